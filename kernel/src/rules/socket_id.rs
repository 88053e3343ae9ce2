//! The live socket id: a template, parsed with the policy, rendered from the same typed input at sign-in and at
//! revocation, so that both are byte-equal.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Code, Error};
use crate::limits::MAX_SOCKET_ID_BYTES;
use crate::record::Record;

/// A parsed template, such as `users_sessions:{sid}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(Variable),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variable {
    Jti,
    Sid,
    Subject,
    Tenant,
    Purpose,
}

/// What a template is rendered from: the only input there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SocketIdInput<'r> {
    pub(crate) jti: &'r str,
    pub(crate) sid: &'r str,
    pub(crate) subject: &'r str,
    pub(crate) tenant: Option<&'r str>,
    pub(crate) purpose: &'r str,
}

impl<'r> From<&'r Record> for SocketIdInput<'r> {
    fn from(record: &'r Record) -> Self {
        Self {
            jti: &record.jti,
            sid: &record.sid,
            subject: &record.subject,
            tenant: record.tenant.as_deref(),
            purpose: &record.purpose,
        }
    }
}

impl Template {
    /// Reads a template. It must contain `{jti}` or `{sid}`, and separate two variables by a character that
    /// values never contain, so that different values never give the same id.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (literal, after) = rest
                .split_once('{')
                .map_or((rest, None), |(l, a)| (l, Some(a)));
            if literal.contains('}') {
                return Err("has a closing brace without an opening one");
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.into()));
            }
            let Some(after) = after else { break };
            let (name, after) = after
                .split_once('}')
                .ok_or("has an opening brace without a closing one")?;
            parts.push(Part::Variable(Variable::parse(name)?));
            rest = after;
        }
        let template = Self { parts };
        template.check(text)?;
        Ok(template)
    }

    fn check(&self, text: &str) -> Result<(), &'static str> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("must be printable ascii without spaces");
        }
        if text.len() > MAX_SOCKET_ID_BYTES {
            return Err("must have at most 200 bytes");
        }
        if !self.uses_sid() && !self.uses_jti() {
            return Err("must contain {jti} or {sid}, or all sessions would share one topic");
        }
        let separates = |part: &Part| match part {
            Part::Literal(literal) => literal.bytes().any(|byte| !is_plain(byte) && byte != b'%'),
            Part::Variable(_) => false,
        };
        for (index, part) in self.parts.iter().enumerate() {
            let before = self.parts.get(..index).unwrap_or_default();
            let last = before
                .iter()
                .rposition(|part| matches!(part, Part::Variable(_)));
            let (Part::Variable(_), Some(last)) = (part, last) else {
                continue;
            };
            if !before.get(last..).unwrap_or_default().iter().any(separates) {
                return Err(
                    "must separate two variables by a character such as ':', which values never contain",
                );
            }
        }
        Ok(())
    }

    /// Whether it contains `{sid}`.
    pub(crate) fn uses_sid(&self) -> bool {
        self.parts.contains(&Part::Variable(Variable::Sid))
    }

    /// Whether it contains `{jti}`.
    pub(crate) fn uses_jti(&self) -> bool {
        self.parts.contains(&Part::Variable(Variable::Jti))
    }

    /// The live socket id. An absent or empty value is an error, never an empty part; so is a result of more
    /// than 200 bytes.
    pub(crate) fn render(&self, input: &SocketIdInput<'_>) -> Result<String, Error> {
        let mut id = String::with_capacity(64);
        for part in &self.parts {
            match part {
                Part::Literal(literal) => id.push_str(literal),
                Part::Variable(variable) => {
                    let value = variable.value(input).filter(|value| !value.is_empty());
                    push_escaped(
                        &mut id,
                        value.ok_or_else(|| Error::new(Code::SocketIdInvalid))?,
                    );
                }
            }
        }
        if id.len() > MAX_SOCKET_ID_BYTES {
            return Err(Error::new(Code::SocketIdInvalid));
        }
        Ok(id)
    }
}

impl Variable {
    fn parse(name: &str) -> Result<Self, &'static str> {
        Ok(match name {
            "jti" => Self::Jti,
            "sid" => Self::Sid,
            "subject" => Self::Subject,
            "tenant" => Self::Tenant,
            "purpose" => Self::Purpose,
            _ => return Err("has an unknown variable: use jti, sid, subject, tenant or purpose"),
        })
    }

    fn value<'r>(self, input: &SocketIdInput<'r>) -> Option<&'r str> {
        match self {
            Self::Jti => Some(input.jti),
            Self::Sid => Some(input.sid),
            Self::Subject => Some(input.subject),
            Self::Tenant => input.tenant,
            Self::Purpose => Some(input.purpose),
        }
    }
}

/// Percent-encodes everything outside `A-Z a-z 0-9 - _ ~`.
fn push_escaped(id: &mut String, value: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| {
        HEX.get(usize::from(nibble))
            .copied()
            .map_or('0', char::from)
    };
    for byte in value.bytes() {
        if is_plain(byte) {
            id.push(char::from(byte));
        } else {
            id.push('%');
            id.push(digit(byte >> 4));
            id.push(digit(byte & 15));
        }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> SocketIdInput<'static> {
        SocketIdInput {
            jti: "t1",
            sid: "s1",
            subject: "user?id=4/2.é",
            tenant: None,
            purpose: "user",
        }
    }

    #[test]
    fn values_are_escaped() {
        let id = |text| Template::parse(text).map(|t| t.render(&input()));
        assert_eq!(
            id("users_sessions:{sid}"),
            Ok(Ok("users_sessions:s1".into()))
        );
        assert_eq!(
            id("{subject}:{jti}"),
            Ok(Ok("user%3Fid%3D4%2F2%2E%C3%A9:t1".into()))
        );
        assert_eq!(
            id("{tenant}:{jti}"),
            Ok(Err(Error::new(Code::SocketIdInvalid)))
        );
    }

    #[test]
    fn templates_that_could_mix_sessions_up_are_refused() {
        for bad in [
            "",
            "users",
            "users:{subject}",
            "{jti}{sid}",
            "{jti}-{sid}",
            "{jti}%{sid}",
            "{jti}_x{sid}",
            "{jit}",
            "{jti",
            "jti}",
            "{}",
            "{jti} ",
            "é{jti}",
            "{ jti}",
        ] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
        for good in [
            "{jti}",
            "{jti}:{sid}",
            "a{jti}.b{sid}",
            "{sid}/{sid}",
            "x-{sid}-y",
        ] {
            assert!(Template::parse(good).is_ok(), "{good}");
        }
    }
}
