//! Composes the tokens of vectors: any header, any payload, any key, and any damage done afterwards.

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value};

use crate::fixtures::Fixtures;
use crate::signer::{member, sign};
use crate::vector::{Tamper, TokenSpec};

/// The text of a composed token. Equal specifications give equal texts.
pub fn compose(spec: &TokenSpec, fixtures: &Fixtures) -> Result<String> {
    if let Some(repeat) = &spec.repeat {
        return Ok(repeat.text.repeat(repeat.times));
    }
    let key = fixtures.key(spec.key.as_ref().unwrap_or(&fixtures.key))?;
    let header = match (&spec.header_base64url, &spec.header) {
        (Some(segment), None) => segment.clone(),
        (None, Some(text)) => encode(text.as_bytes()),
        (None, None) => encode(usual_header(spec, key)?.as_bytes()),
        _ => bail!("header and header_base64url exclude each other"),
    };
    let payload = match (&spec.payload_base64url, &spec.payload) {
        (Some(segment), None) => segment.clone(),
        (None, Some(text)) => encode(text.as_bytes()),
        (None, None) => encode(Value::from(claims(spec, fixtures)).to_string().as_bytes()),
        _ => bail!("payload and payload_base64url exclude each other"),
    };
    let signed = format!("{header}.{payload}");
    let signature = sign(key, spec.sign_as.as_deref(), signed.as_bytes())?;
    let mut token = format!("{signed}.{}", encode(&signature));
    for tamper in &spec.tamper {
        token = if matches!(tamper, Tamper::Resign) {
            let signed = segments(&token)?[..2].join(".");
            let signature = sign(key, spec.sign_as.as_deref(), signed.as_bytes())?;
            format!("{signed}.{}", encode(&signature))
        } else {
            damage(&token, tamper).with_context(|| format!("{tamper:?}"))?
        };
    }
    Ok(token)
}

/// The claims of a composed token: the usual ones, without some, with others.
pub fn claims(spec: &TokenSpec, fixtures: &Fixtures) -> Map<String, Value> {
    let mut claims = fixtures.claims.clone();
    claims.retain(|name, _| !spec.without.contains(name));
    claims.extend(spec.claims.clone());
    claims
}

/// The `kid` of a composed token's header.
pub fn kid(spec: &TokenSpec, fixtures: &Fixtures) -> Result<String> {
    let key = fixtures.key(spec.key.as_ref().unwrap_or(&fixtures.key))?;
    Ok(member(key, "kid")?.to_owned())
}

fn usual_header(spec: &TokenSpec, key: &Value) -> Result<String> {
    let mut header = Map::new();
    header.insert(
        "alg".into(),
        spec.sign_as
            .as_deref()
            .unwrap_or(member(key, "alg")?)
            .into(),
    );
    header.insert("kid".into(), member(key, "kid")?.into());
    header.insert("typ".into(), "JWT".into());
    header.retain(|name, _| !spec.header_without.contains(name));
    header.extend(spec.header_patch.clone());
    Ok(Value::from(header).to_string())
}

fn damage(token: &str, tamper: &Tamper) -> Result<String> {
    Ok(match tamper {
        Tamper::Resign => bail!("needs the key"),
        Tamper::FlipSignature => with_signature(token, |bytes| {
            if let Some(first) = bytes.first_mut() {
                *first ^= 1;
            }
            Ok(())
        })?,
        Tamper::ZeroSignature => with_signature(token, |bytes| {
            bytes.fill(0);
            Ok(())
        })?,
        Tamper::HighS => with_signature(token, |bytes| choose_s(bytes, true))?,
        Tamper::LowS => with_signature(token, |bytes| choose_s(bytes, false))?,
        Tamper::DerSignature => with_signature(token, |bytes| {
            let signature =
                p256::ecdsa::Signature::from_slice(bytes).map_err(|e| anyhow!("{e}"))?;
            *bytes = signature.to_der().as_bytes().to_vec();
            Ok(())
        })?,
        Tamper::AddOrder => with_signature(token, |bytes| {
            ensure!(bytes.len() == 64, "not an EdDSA signature");
            add_order(&mut bytes[32..]);
            Ok(())
        })?,
        Tamper::CutSignature(count) => with_signature(token, |bytes| {
            bytes.truncate(bytes.len().saturating_sub(*count));
            Ok(())
        })?,
        Tamper::ExtendSignature(count) => with_signature(token, |bytes| {
            bytes.resize(bytes.len() + count, 0);
            Ok(())
        })?,
        Tamper::DropSignature => segments(token)?[..2].join("."),
        Tamper::EmptySignature => with_segment(token, 2, |_| Ok(String::new()))?,
        Tamper::DoubleSignature => format!("{token}.{}", segments(token)?[2]),
        Tamper::Double => format!("{token}{token}"),
        Tamper::DoubleWith(between) => format!("{token}{between}{token}"),
        Tamper::Append(text) => format!("{token}{text}"),
        Tamper::Prepend(text) => format!("{text}{token}"),
        Tamper::Truncate(length) => token.get(..*length).context("too long")?.to_owned(),
        Tamper::Segment(which, text) => with_segment(token, *which, |_| Ok(text.clone()))?,
        Tamper::Insert(which, position, text) => with_segment(token, *which, |segment| {
            let (before, after) = segment.split_at_checked(*position).context("too far")?;
            Ok(format!("{before}{text}{after}"))
        })?,
        Tamper::Pad(which) => with_segment(token, *which, |segment| {
            let missing = (4 - segment.len() % 4) % 4;
            ensure!(
                missing > 0,
                "the segment needs no padding: choose other claims"
            );
            Ok(format!("{segment}{}", "=".repeat(missing)))
        })?,
        Tamper::TrailingBits(which) => with_segment(token, *which, set_trailing_bits)?,
        Tamper::StandardAlphabet(which) => with_segment(token, *which, |segment| {
            ensure!(
                segment.contains(['-', '_']),
                "the segment has neither - nor _"
            );
            Ok(segment.replace('-', "+").replace('_', "/"))
        })?,
    })
}

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn set_trailing_bits(segment: &str) -> Result<String> {
    let unused = match segment.len() % 4 {
        2 => 0b1111,
        3 => 0b11,
        _ => bail!("the segment's last character has no unused bit: choose other claims"),
    };
    let last = *segment.as_bytes().last().context("the segment is empty")?;
    let value = ALPHABET
        .iter()
        .position(|c| *c == last)
        .context("not base64url")?;
    let changed = ALPHABET[value | unused] as char;
    Ok(format!("{}{changed}", &segment[..segment.len() - 1]))
}

fn choose_s(bytes: &mut Vec<u8>, high: bool) -> Result<()> {
    let signature = p256::ecdsa::Signature::from_slice(bytes).map_err(|e| anyhow!("{e}"))?;
    let low = signature.normalize_s().unwrap_or(signature);
    let (r, s) = low.split_scalars();
    let s = if high { -s } else { s };
    let chosen = p256::ecdsa::Signature::from_scalars(r, s).map_err(|e| anyhow!("{e}"))?;
    *bytes = chosen.to_bytes().to_vec();
    Ok(())
}

/// Adds the order of Ed25519's group to a little-endian number.
fn add_order(bytes: &mut [u8]) {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0u16;
    for (byte, order) in bytes.iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
}

fn with_signature(token: &str, change: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<String> {
    with_segment(token, 2, |segment| {
        let mut bytes = Base64UrlUnpadded::decode_vec(segment).map_err(|e| anyhow!("{e}"))?;
        change(&mut bytes)?;
        Ok(encode(&bytes))
    })
}

fn with_segment(
    token: &str,
    which: usize,
    change: impl FnOnce(&str) -> Result<String>,
) -> Result<String> {
    let mut segments: Vec<String> = segments(token)?.iter().map(|s| (*s).to_owned()).collect();
    let segment = segments.get_mut(which).context("no such segment")?;
    *segment = change(segment)?;
    Ok(segments.join("."))
}

fn segments(token: &str) -> Result<Vec<&str>> {
    let segments: Vec<&str> = token.split('.').collect();
    ensure!(
        segments.len() == 3,
        "the token has not three segments any more"
    );
    Ok(segments)
}

/// Unpadded base64url.
pub fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// The JSON value inside a segment of a token, however it is encoded.
pub fn decoded(token: &str, which: usize) -> Result<Value> {
    let segment = token.split('.').nth(which).context("no such segment")?;
    let bytes = Base64UrlUnpadded::decode_vec(segment)
        .or_else(|_| Base64::decode_vec(segment))
        .map_err(|e| anyhow!("{e}"))?;
    Ok(serde_json::from_slice(&bytes)?)
}
