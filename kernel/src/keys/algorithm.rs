//! The algorithms that the kernel knows (RFC 7518 section 3, RFC 8037 section 3.1).

use core::fmt;

/// A signature algorithm. `EdDSA` and `Ed25519` name the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256; the key has at least 32 bytes.
    Hs256,
    /// HMAC with SHA-384; the key has at least 48 bytes.
    Hs384,
    /// HMAC with SHA-512; the key has at least 64 bytes.
    Hs512,
    /// Ed25519, checked by the strict rule.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256. Verifying only, feature `rsa`.
    Rs256,
    /// RSASSA-PSS with SHA-256. Verifying only, feature `rsa`.
    Ps256,
}

impl Algorithm {
    /// The algorithm with this `alg` name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "HS256" => Self::Hs256,
            "HS384" => Self::Hs384,
            "HS512" => Self::Hs512,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            "ES256" => Self::Es256,
            "RS256" => Self::Rs256,
            "PS256" => Self::Ps256,
            _ => return None,
        })
    }

    /// The name that the kernel writes into headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    /// The shortest secret of an HMAC algorithm, in bytes: as long as the hash (RFC 7518 section 3.2).
    pub(crate) const fn shortest_secret(self) -> usize {
        match self {
            Self::Hs384 => 48,
            Self::Hs512 => 64,
            _ => 32,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
