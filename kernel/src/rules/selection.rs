//! Which tokens an operation means.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Code, Error};
use crate::limits::{self, MAX_KEPT_SESSIONS};
use crate::policy::{Policy, REVOCATION};
use crate::record::CutOffScope;

/// Whether a purpose is selected: in the inclusion (absent means all, empty means none) and not in the
/// exclusion, which wins.
pub fn selects(purpose: &str, include: Option<&[String]>, exclude: &[String]) -> bool {
    let among = |names: &[String]| names.iter().any(|name| name == purpose);
    include.is_none_or(among) && !among(exclude)
}

/// A selection whose names were checked and whose defaults were filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) include: Option<Vec<String>>,
    pub(crate) exclude: Vec<String>,
    pub(crate) keep: Vec<String>,
    /// No purpose is left out: whole sessions end.
    pub(crate) end_sessions: bool,
    pub(crate) cut_offs: CutOffScope,
}

/// Fills in the policy's defaults and refuses names that it does not know.
pub(crate) fn resolve(
    include: Option<Vec<String>>,
    exclude: Option<Vec<String>>,
    keep: Vec<String>,
    policy: &Policy,
) -> Result<Selection, Error> {
    let include = include.or_else(|| policy.include_purposes.clone());
    let exclude = exclude.unwrap_or_else(|| policy.exclude_purposes.clone());
    let known = |name: &String| policy.purposes.contains_key(name);
    let excludable = |name: &String| name == REVOCATION || known(name);
    if !include.iter().flatten().all(known) || !exclude.iter().all(excludable) {
        return Err(Error::new(Code::PurposeInvalid));
    }
    if keep.len() > MAX_KEPT_SESSIONS {
        return Err(Error::with(
            Code::SelectorInvalid,
            "at most 8 sessions can be kept",
        ));
    }
    for sid in &keep {
        limits::identifier("a kept session", sid)?;
    }
    let selected = |name: &String| selects(name, include.as_deref(), &exclude);
    let leaves_none_out = include.is_none() && exclude.iter().all(|name| name == REVOCATION);
    Ok(Selection {
        cut_offs: cut_offs(policy, selected, leaves_none_out),
        end_sessions: leaves_none_out,
        include,
        exclude,
        keep,
    })
}

/// Tokens that are not stored are killed by cut-offs: one for the subject when no purpose is left out, else one
/// per purpose touched.
fn cut_offs(
    policy: &Policy,
    selected: impl Fn(&String) -> bool,
    leaves_none_out: bool,
) -> CutOffScope {
    let unstored: Vec<String> = policy
        .purposes
        .iter()
        .filter(|(name, purpose)| !purpose.store && selected(name))
        .map(|(name, _)| name.clone())
        .collect();
    if unstored.is_empty() {
        CutOffScope::Nothing
    } else if leaves_none_out {
        CutOffScope::Subject
    } else {
        CutOffScope::Purposes(unstored)
    }
}
