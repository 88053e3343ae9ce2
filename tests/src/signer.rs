//! Signs any bytes with a JSON Web Key, straight from the algorithms' own crates: the kernel's signing code has no
//! part in the tokens that vectors compose. Every algorithm here is deterministic (RFC 6979 for ES256).

use anyhow::{Context, Result, anyhow, bail};
use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::Signer as _;
use hmac::{Hmac, Mac};
use serde_json::Value;

/// Signs a message with a key, as the algorithm that the key names, or as another.
pub fn sign(key: &Value, sign_as: Option<&str>, message: &[u8]) -> Result<Vec<u8>> {
    let alg = match sign_as {
        Some(alg) => alg,
        None => member(key, "alg")?,
    };
    Ok(match alg {
        "HS256" => {
            let mac = Hmac::<sha2::Sha256>::new_from_slice(&bytes(key, "k")?);
            mac.map_err(|e| anyhow!("{e}"))?
                .chain_update(message)
                .finalize()
                .into_bytes()
                .to_vec()
        }
        "HS384" => {
            let mac = Hmac::<sha2::Sha384>::new_from_slice(&bytes(key, "k")?);
            mac.map_err(|e| anyhow!("{e}"))?
                .chain_update(message)
                .finalize()
                .into_bytes()
                .to_vec()
        }
        "HS512" => {
            let mac = Hmac::<sha2::Sha512>::new_from_slice(&bytes(key, "k")?);
            mac.map_err(|e| anyhow!("{e}"))?
                .chain_update(message)
                .finalize()
                .into_bytes()
                .to_vec()
        }
        "EdDSA" | "Ed25519" => {
            let secret: [u8; 32] = bytes(key, "d")?
                .try_into()
                .map_err(|_| anyhow!("d is not 32 bytes"))?;
            ed25519_dalek::SigningKey::from_bytes(&secret)
                .sign(message)
                .to_bytes()
                .to_vec()
        }
        "ES256" => {
            let secret = bytes(key, "d")?;
            let key = p256::ecdsa::SigningKey::from_slice(&secret).map_err(|e| anyhow!("{e}"))?;
            let signature: p256::ecdsa::Signature = key.sign(message);
            signature.to_bytes().to_vec()
        }
        "none" => Vec::new(),
        other => bail!("the runner does not sign with {other}"),
    })
}

/// A text member of a JSON Web Key.
pub fn member<'a>(key: &'a Value, name: &str) -> Result<&'a str> {
    key.get(name)
        .and_then(Value::as_str)
        .with_context(|| format!("the key has no {name}"))
}

fn bytes(key: &Value, name: &str) -> Result<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(member(key, name)?).map_err(|e| anyhow!("{name}: {e}"))
}
