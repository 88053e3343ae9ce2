//! Texts as PostgreSQL stores them. It has no NUL in a text: U+0000 is written as U+0001 U+0001, and U+0001 as
//! U+0001 U+0002. No two texts become one, and their order stays. Nearly every text stays as it is.

use std::borrow::Cow;

/// A text as it is stored.
pub(super) fn stored(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', '\u{1}']) {
        return Cow::Borrowed(text);
    }
    let mut stored = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => stored.push_str("\u{1}\u{1}"),
            '\u{1}' => stored.push_str("\u{1}\u{2}"),
            other => stored.push(other),
        }
    }
    Cow::Owned(stored)
}

/// A JSON document whose texts are as they are stored. Both characters stand there as escapes, as all control
/// characters do.
pub(super) fn stored_document(json: String) -> String {
    if !json.contains("\\u000") {
        return json;
    }
    rewritten(&json, |rest| {
        let mark = rest.strip_prefix("\\u000")?;
        let stored = match mark.as_bytes().first()? {
            b'0' => "\\u0001\\u0001",
            b'1' => "\\u0001\\u0002",
            _ => return None,
        };
        Some((stored, 6))
    })
}

/// A JSON document of the database, whose texts are as they were.
pub(super) fn read_document(json: &str) -> Cow<'_, str> {
    if !json.contains("\\u0001") {
        return Cow::Borrowed(json);
    }
    Cow::Owned(rewritten(json, |rest| {
        let mark = rest.strip_prefix("\\u0001\\u000")?;
        let read = match mark.as_bytes().first()? {
            b'1' => "\\u0000",
            b'2' => "\\u0001",
            _ => return None,
        };
        Some((read, 12))
    }))
}

/// Replaces escapes: `replace` is given the rest of the document where one begins, and answers what to write instead
/// and for how many bytes. An escaped backslash begins nothing.
fn rewritten(json: &str, replace: impl Fn(&str) -> Option<(&'static str, usize)>) -> String {
    let mut written = String::with_capacity(json.len() + 64);
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        written.push_str(before);
        let (text, length) = replace(escape).unwrap_or_else(|| {
            // The backslash and what it escapes, which is one byte long in JSON.
            let length = escape.len().min(2);
            (&escape[..length], length)
        });
        written.push_str(text);
        rest = &escape[length..];
    }
    written.push_str(rest);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: &[&str] = &[
        "",
        "plain",
        "\0",
        "\u{1}",
        "\u{2}",
        "\u{1}\u{1}",
        "\u{1}\u{2}",
        "\0\u{1}\u{2}\0\0\u{1}",
        "\\u0000",
        "\\\0",
        "\\\\u0001\u{1}\\",
        "a\"\0\"b\u{1f}\n",
        "Zoë\0🦀\u{1}",
    ];

    #[test]
    fn every_text_comes_back_and_no_two_become_one() {
        let mut seen = std::collections::HashSet::new();
        for text in TEXTS {
            let stored = stored(text);
            assert!(!stored.contains('\0'), "{text:?}");
            assert!(seen.insert(stored.clone().into_owned()), "{text:?}");
            let document = serde_json::to_string(&[text]).expect("a document");
            let written = stored_document(document.clone());
            let expected = serde_json::to_string(&[&*stored]).expect("a document");
            assert_eq!(written, expected, "{text:?}");
            assert_eq!(read_document(&written), document, "{text:?}");
        }
    }

    #[test]
    fn the_order_of_texts_stays() {
        for a in TEXTS {
            for b in TEXTS {
                assert_eq!(a.cmp(b), stored(a).cmp(&stored(b)), "{a:?} {b:?}");
            }
        }
    }
}
