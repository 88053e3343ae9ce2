//! One JSON Web Key (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2) → [`Key`].

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use hmac::{Hmac, Mac};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::key::{Key, KeyState, Material};
use super::{invalid, text_member};
use crate::encoding;
use crate::error::Error;

/// The longest key id, in bytes.
const MAX_KID: usize = 128;

/// Reads a key, refusing everything that would not be usable as it says. Members that are not known are
/// ignored, as RFC 7517 section 4 demands.
pub(super) fn read(value: Value, path: &str) -> Result<Key, Error> {
    let Value::Object(map) = value else {
        return Err(invalid(path, "must be a json object"));
    };
    let id = text_member(&map, "kid", path)?.unwrap_or_default();
    if id.len() > MAX_KID || id.chars().any(char::is_control) {
        return Err(invalid(
            path,
            "kid must have at most 128 bytes and no control characters",
        ));
    }
    let state = state(&map, path)?;
    let named = match text_member(&map, "alg", path)? {
        None => None,
        Some(name) => Some(Algorithm::parse(&name).ok_or_else(|| {
            invalid(
                &format!("{path}.alg"),
                "not supported: use HS256, HS384, HS512, EdDSA or ES256 (RS256 and PS256 with the feature rsa)",
            )
        })?),
    };
    if text_member(&map, "use", path)?.is_some_and(|usage| usage != "sig") {
        return Err(invalid(
            &format!("{path}.use"),
            "must be sig: the key signs or verifies",
        ));
    }
    let (algorithm, material) = match text_member(&map, "kty", path)?.as_deref() {
        Some("oct") => symmetric(&map, named, path)?,
        Some("OKP") => edwards(&map, named, path)?,
        Some("EC") => elliptic(&map, named, path)?,
        Some("RSA") => rsa(&map, named, path)?,
        _ => {
            return Err(invalid(
                &format!("{path}.kty"),
                "must be oct, OKP, EC or RSA",
            ));
        }
    };
    let key = Key::new(id, algorithm, state, material);
    if state == Some(KeyState::Signing) && !key.can_sign() {
        return Err(invalid(
            path,
            "status is signing, but the key has no private part",
        ));
    }
    key_operations(&map, &key, path)?;
    Ok(key)
}

fn state(map: &Map<String, Value>, path: &str) -> Result<Option<KeyState>, Error> {
    Ok(match text_member(map, "status", path)?.as_deref() {
        None => None,
        Some("signing") => Some(KeyState::Signing),
        Some("verifying") => Some(KeyState::Verifying),
        Some("retired") => Some(KeyState::Retired),
        Some("revoked") => Some(KeyState::Revoked),
        Some(_) => {
            return Err(invalid(
                &format!("{path}.status"),
                "must be signing, verifying, retired or revoked",
            ));
        }
    })
}

/// `key_ops` (RFC 7517 section 4.3): what the key is used for must be among them.
fn key_operations(map: &Map<String, Value>, key: &Key, path: &str) -> Result<(), Error> {
    let path = &format!("{path}.key_ops");
    let Some(operations) = map.get("key_ops") else {
        return Ok(());
    };
    let Value::Array(operations) = operations else {
        return Err(invalid(path, "must be an array"));
    };
    let allows = |wanted: &str| operations.iter().any(|operation| operation == wanted);
    let signs = key.state() == KeyState::Signing || key.status_is_undecided();
    if (signs && !allows("sign")) || (!signs && !allows("verify")) {
        return Err(invalid(
            path,
            "does not allow what the key is for: sign or verify",
        ));
    }
    Ok(())
}

fn symmetric(
    map: &Map<String, Value>,
    named: Option<Algorithm>,
    path: &str,
) -> Result<(Algorithm, Material), Error> {
    let algorithm = match named {
        Some(algorithm @ (Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512)) => algorithm,
        Some(_) => return Err(does_not_fit(path)),
        None => {
            return Err(invalid(
                path,
                "alg is required for a symmetric key: HS256, HS384 or HS512",
            ));
        }
    };
    let secret = Zeroizing::new(bytes(map, "k", path)?);
    if secret.len() < algorithm.shortest_secret() {
        return Err(invalid(
            path,
            "the secret is shorter than the hash: use at least 32, 48 or 64 random bytes",
        ));
    }
    let wrong = |_| invalid(path, "the secret cannot be used");
    let material = match algorithm {
        Algorithm::Hs384 => Material::Hs384(Hmac::new_from_slice(&secret).map_err(wrong)?),
        Algorithm::Hs512 => Material::Hs512(Hmac::new_from_slice(&secret).map_err(wrong)?),
        _ => Material::Hs256(Hmac::new_from_slice(&secret).map_err(wrong)?),
    };
    Ok((algorithm, material))
}

fn edwards(
    map: &Map<String, Value>,
    named: Option<Algorithm>,
    path: &str,
) -> Result<(Algorithm, Material), Error> {
    if !matches!(named, None | Some(Algorithm::EdDsa)) {
        return Err(does_not_fit(path));
    }
    curve(map, "Ed25519", path)?;
    let public: [u8; 32] = sized(map, "x", path)?;
    let verifying = ed25519_dalek::VerifyingKey::from_bytes(&public)
        .ok()
        .filter(|key| !key.is_weak())
        .ok_or_else(|| invalid(path, "x is not a usable point of Ed25519"))?;
    let signing = if map.contains_key("d") {
        let secret = Zeroizing::new(sized::<32>(map, "d", path)?);
        let signing = ed25519_dalek::SigningKey::from_bytes(&secret);
        if signing.verifying_key() != verifying {
            return Err(invalid(path, "d and x are not one key pair"));
        }
        Some(signing)
    } else {
        None
    };
    let material = Material::Ed25519 {
        verifying,
        signing,
        prepared: None,
    };
    Ok((Algorithm::EdDsa, material))
}

#[cfg(feature = "es256")]
fn elliptic(
    map: &Map<String, Value>,
    named: Option<Algorithm>,
    path: &str,
) -> Result<(Algorithm, Material), Error> {
    if !matches!(named, None | Some(Algorithm::Es256)) {
        return Err(does_not_fit(path));
    }
    curve(map, "P-256", path)?;
    let (x, y) = (sized::<32>(map, "x", path)?, sized::<32>(map, "y", path)?);
    let point = p256::EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
    let verifying = p256::ecdsa::VerifyingKey::from_encoded_point(&point)
        .map_err(|_| invalid(path, "x and y are not a point of P-256"))?;
    let signing = if map.contains_key("d") {
        let secret = Zeroizing::new(sized::<32>(map, "d", path)?);
        let signing = p256::ecdsa::SigningKey::from_slice(secret.as_slice())
            .map_err(|_| invalid(path, "d is not a private key of P-256"))?;
        if signing.verifying_key() != &verifying {
            return Err(invalid(path, "d and x, y are not one key pair"));
        }
        Some(signing)
    } else {
        None
    };
    Ok((Algorithm::Es256, Material::Es256 { verifying, signing }))
}

#[cfg(not(feature = "es256"))]
fn elliptic(
    _map: &Map<String, Value>,
    _named: Option<Algorithm>,
    path: &str,
) -> Result<(Algorithm, Material), Error> {
    Err(invalid(
        path,
        "keys of P-256 need the feature es256, which this build is without",
    ))
}

#[cfg(feature = "rsa")]
fn rsa(
    map: &Map<String, Value>,
    named: Option<Algorithm>,
    path: &str,
) -> Result<(Algorithm, Material), Error> {
    use rsa::BigUint;

    let algorithm = match named {
        Some(algorithm @ (Algorithm::Rs256 | Algorithm::Ps256)) => algorithm,
        Some(_) => return Err(does_not_fit(path)),
        None => {
            return Err(invalid(
                path,
                "alg is required for an rsa key: RS256 or PS256",
            ));
        }
    };
    let modulus = BigUint::from_bytes_be(&bytes(map, "n", path)?);
    let exponent = BigUint::from_bytes_be(&bytes(map, "e", path)?);
    if !(2048..=8192).contains(&modulus.bits()) {
        return Err(invalid(path, "an rsa key must have 2048 to 8192 bits"));
    }
    // The crate's own limit is 4096 bits; larger ones are legal and only slower.
    rsa::RsaPublicKey::new_with_max_size(modulus, exponent, 8192)
        .map(|key| (algorithm, Material::Rsa(key)))
        .map_err(|_| invalid(path, "n and e are not an rsa key"))
}

#[cfg(not(feature = "rsa"))]
fn rsa(
    _map: &Map<String, Value>,
    _named: Option<Algorithm>,
    path: &str,
) -> Result<(Algorithm, Material), Error> {
    Err(invalid(
        path,
        "rsa keys need the feature rsa, which this build is without",
    ))
}

fn curve(map: &Map<String, Value>, wanted: &str, path: &str) -> Result<(), Error> {
    match text_member(map, "crv", path)? {
        Some(curve) if curve == wanted => Ok(()),
        _ => Err(invalid(
            &format!("{path}.crv"),
            "not supported: use Ed25519 with OKP, P-256 with EC",
        )),
    }
}

fn bytes(map: &Map<String, Value>, name: &str, path: &str) -> Result<Vec<u8>, Error> {
    text_member(map, name, path)?
        .and_then(|text| encoding::decode_secret(&text))
        .ok_or_else(|| invalid(&format!("{path}.{name}"), "must be unpadded base64url"))
}

fn sized<const N: usize>(
    map: &Map<String, Value>,
    name: &str,
    path: &str,
) -> Result<[u8; N], Error> {
    bytes(map, name, path)?.try_into().map_err(|_| {
        invalid(
            &format!("{path}.{name}"),
            "has the wrong length for its curve",
        )
    })
}

fn does_not_fit(path: &str) -> Error {
    invalid(&format!("{path}.alg"), "does not fit the key's type")
}
