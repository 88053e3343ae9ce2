//! E-mail addresses as the names of accounts.

use std::fmt;
use std::str::FromStr;

use super::super::error::ServerCode;

/// An e-mail address in the one form in which it is stored and compared.
///
/// Blanks around it are dropped, and all of it is in lower case: mailboxes that differ in case only are one
/// mailbox in practice, and two accounts for them would be a trap. ASCII only, because what looks equal must be
/// equal; an international domain is written in its `xn--` form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Email(String);

impl Email {
    /// One that was stored.
    pub(super) fn stored(text: String) -> Self {
        Self(text)
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Its text, taken out.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

impl FromStr for Email {
    type Err = ServerCode;

    fn from_str(text: &str) -> Result<Self, ServerCode> {
        let text = text.trim_matches(' ').to_ascii_lowercase();
        let parts = text.rsplit_once('@');
        let good = parts.is_some_and(|(name, domain)| is_name(name) && is_domain(domain));
        match good && text.len() <= 254 {
            true => Ok(Self(text)),
            false => Err(ServerCode::EmailInvalid),
        }
    }
}

/// Not the address: it must not get into a log by accident.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

/// The `dot-atom` of RFC 5322; quoted names are not taken.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    name.len() <= 64
        && name
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(fits))
}

/// Labels of letters, digits and inner hyphens. One label is enough: `localhost`.
fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let inner = !label.starts_with('-') && !label.ends_with('-');
        (1..=63).contains(&label.len()) && inner && label.chars().all(fits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_form() {
        let email: Email = "  Ada.Lovelace+Test@Example.COM ".parse().unwrap();
        assert_eq!(email.as_str(), "ada.lovelace+test@example.com");
        assert!("demo@localhost".parse::<Email>().is_ok());
        assert!(!format!("{email:?}").contains("ada"));
    }

    #[test]
    fn what_is_none_is_refused() {
        let long = format!("a@{}.example", "b".repeat(250));
        let long_name = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "a",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a@b c",
            "a@b..c",
            ".a@b",
            "a.@b",
            "a@-b",
            "a@b-",
            "ä@b.example",
            "a@bücher.example",
            "a\n@b",
            "\"a\"@b",
            "a@[::1]",
            &long,
            &long_name,
        ] {
            assert!(text.parse::<Email>().is_err(), "{text:?}");
        }
    }
}
