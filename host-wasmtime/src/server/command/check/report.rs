//! What was found, part by part.

use serde::Serialize;

/// How good a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Good.
    Ok,
    /// It works, and should be looked at.
    Warning,
    /// It does not work.
    Failed,
}

/// One part.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Part {
    part: &'static str,
    state: State,
    /// What was seen.
    says: String,
    /// What to do about it.
    #[serde(rename = "do")]
    remedy: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Part>);

impl Report {
    pub(super) fn ok(&mut self, part: &'static str, says: impl Into<String>) {
        self.add(part, State::Ok, says.into(), None);
    }

    pub(super) fn warning(
        &mut self,
        part: &'static str,
        says: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(part, State::Warning, says.into(), Some(remedy.into()));
    }

    pub(super) fn failed(
        &mut self,
        part: &'static str,
        says: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(part, State::Failed, says.into(), Some(remedy.into()));
    }

    fn add(&mut self, part: &'static str, state: State, says: String, remedy: Option<String>) {
        self.0.push(Part {
            part,
            state,
            says,
            remedy,
        });
    }

    /// Whether nothing failed.
    pub(super) fn is_good(&self) -> bool {
        self.0.iter().all(|part| part.state != State::Failed)
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// One line per part.
    pub(super) fn lines(&self, line: &mut dyn FnMut(String)) {
        for part in &self.0 {
            let state = match part.state {
                State::Ok => "ok",
                State::Warning => "warning",
                State::Failed => "failed",
            };
            let remedy = part.remedy.as_deref().map(|remedy| format!(": {remedy}"));
            line(format!(
                "{state:<8} {:<12} {}{}",
                part.part,
                part.says,
                remedy.unwrap_or_default()
            ));
        }
    }
}
