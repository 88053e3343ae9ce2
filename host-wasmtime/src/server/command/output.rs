//! What commands print: lines for people, one JSON document for machines.

use std::io::Write;

use serde_json::Value;

use super::super::start::StartError;

/// How a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Lines.
    Text,
    /// One JSON document.
    Json,
}

impl Format {
    /// Prints the document, or the lines.
    pub(super) fn answer(
        self,
        document: &Value,
        lines: impl FnOnce(&mut dyn FnMut(String)),
    ) -> Result<(), StartError> {
        if self == Self::Json {
            return self.document(document);
        }
        let mut text = String::new();
        lines(&mut |line| {
            text.push_str(&line);
            text.push('\n');
        });
        print(&text)
    }

    /// Prints a document that is JSON either way; for people with line breaks.
    pub(super) fn document(self, document: &Value) -> Result<(), StartError> {
        match self {
            Self::Text => print(&format!("{document:#}\n")),
            Self::Json => print(&format!("{document}\n")),
        }
    }
}

/// Prints text as it is.
pub(super) fn print(text: &str) -> Result<(), StartError> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| StartError::other(format!("cannot print: {error}")))
}
