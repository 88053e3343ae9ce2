//! How long and how large things may be, and which characters texts may have.

use crate::error::{Code, Error};

/// The largest time and the largest integer of a claim: 2^53 − 1, which every JSON reader keeps exact.
pub const MAX_TIME: u64 = (1 << 53) - 1;
/// The longest subject, tenant, jti, sid, purpose, act, device and reason, in bytes.
pub const MAX_TEXT_BYTES: usize = 255;
/// The longest live socket id, in bytes.
pub const MAX_SOCKET_ID_BYTES: usize = 200;
/// The longest extra claims of one token, as JSON text, in bytes.
pub const MAX_CLAIMS_BYTES: usize = 4096;
/// The most sessions that a selection may keep.
pub const MAX_KEPT_SESSIONS: usize = 8;
/// The most connections that one sweep decides about.
pub const MAX_SWEEP: usize = 10_000;

/// Whether a text can name something: 1 to 255 bytes, no control characters.
pub(crate) fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT_BYTES && !has_control(text)
}

/// Whether a text has control characters. Nearly all texts are plain ASCII, which is quicker to see byte by byte.
fn has_control(text: &str) -> bool {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    !plain && text.chars().any(char::is_control)
}

/// Refuses a text that cannot name something.
pub(crate) fn identifier(name: &str, text: &str) -> Result<(), Error> {
    if is_identifier(text) {
        return Ok(());
    }
    Err(Error::with(
        Code::InputInvalid,
        alloc::format!("{name} must have 1 to 255 bytes and no control characters"),
    ))
}

/// Refuses an optional text that is there and cannot name something.
pub(crate) fn optional_identifier(name: &str, text: Option<&str>) -> Result<(), Error> {
    text.map_or(Ok(()), |text| identifier(name, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_no_control_characters() {
        for good in ["a", " ", "~", "user?id=42", "é", "日本", "\u{feff}a"] {
            assert!(is_identifier(good), "{good}");
        }
        assert!(is_identifier(&"x".repeat(255)));
        for bad in ["", "\0", "a\n", "\u{7f}", "\u{80}", "é\u{9f}", "\u{1f}é"] {
            assert!(!is_identifier(bad), "{bad:?}");
        }
        assert!(!is_identifier(&"x".repeat(256)));
    }
}
