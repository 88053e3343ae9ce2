//! Unpadded base64url (RFC 7515 section 2), and identifiers in lower-case base32 (RFC 4648 section 6).

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64ct::{Base64UrlUnpadded, Encoding};

use crate::ports::{Random, RandomError};

/// Decodes canonical, unpadded base64url. Padding, other alphabets, white space and trailing bits that are not
/// zero are refused, so that one token has one text.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// [`decode`] in constant time, for key material. It takes several times as long.
pub(crate) fn decode_secret(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}

/// Encodes as unpadded base64url.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A new identifier: 128 random bits in 26 characters of lower-case base32. Never a timestamp.
pub(crate) fn new_id(random: &impl Random) -> Result<String, RandomError> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    Ok(base32(u128::from_be_bytes(bytes)))
}

fn base32(mut value: u128) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    // 26 characters hold 130 bits: the two extra ones are zero and stand in front.
    let mut text = [b'a'; 26];
    for place in text.iter_mut().rev() {
        *place = ALPHABET.get((value & 31) as usize).copied().unwrap_or(b'a');
        value >>= 5;
    }
    text.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn base64url_is_canonical() {
        assert_eq!(decode("Zg"), Some(b"f".to_vec()));
        for bad in ["Zg==", "Zh", "Zg ", "Z", "+/", "Zg\n"] {
            assert_eq!(decode(bad), None, "{bad}");
            assert_eq!(decode_secret(bad), None, "{bad}");
        }
        assert_eq!(encode(b"\xfb\xff"), "-_8");
    }

    #[test]
    fn base32_has_26_characters_and_keeps_all_bits() {
        assert_eq!(base32(0), "a".repeat(26));
        assert_eq!(base32(u128::MAX), "h".to_string() + &"7".repeat(25));
        assert_eq!(base32(32), "a".repeat(24) + "ba");
    }
}
