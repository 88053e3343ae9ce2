//! Addresses of databases and brokers. They may carry a password, which is never shown.

use std::fmt;

/// The address of a database or broker, as the operator gave it.
#[derive(Clone, PartialEq, Eq)]
pub struct BackingUrl(String);

impl From<String> for BackingUrl {
    /// Takes anything: what refuses a value here repeats it, password and all, in its message.
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Not the address: it must not get into a log by accident.
impl fmt::Debug for BackingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackingUrl(..)")
    }
}

/// Where it leads, without user, password and parameters; of an address that is odd no more than its scheme.
impl fmt::Display for BackingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.place().unwrap_or("…");
        write!(f, "{}://{shown}", self.scheme().unwrap_or("…"))
    }
}

impl BackingUrl {
    /// The address with user, password and all: for the adapter alone.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What stands before `://`, if that is a word.
    pub(crate) fn scheme(&self) -> Option<&str> {
        let (scheme, _) = self.0.split_once("://")?;
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        scheme.chars().all(word).then_some(scheme)
    }

    /// Host, port and path, where it is certain that they are nothing else.
    fn place(&self) -> Option<&str> {
        let (_, rest) = self.0.split_once("://")?;
        let (user, rest) = rest.split_once('@').unwrap_or(("", rest));
        let end = rest.find(['?', '#']).unwrap_or(rest.len());
        let (place, parameters) = rest.split_at(end);
        let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
        // A password that was not percent-encoded may hold any of the characters that end a part.
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-_.:[],".contains(c);
        let is_path = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let certain = !user.contains(['/', '?', '#'])
            && hosts.chars().all(is_host)
            && path.chars().all(is_path)
            && !parameters.contains('@');
        (certain && ports_are_numbers(hosts)).then_some(place)
    }

    /// Whether it leads to this machine.
    pub(crate) fn is_here(&self) -> bool {
        let hosts = self.place().map_or("", |place| {
            place.split_once('/').map_or(place, |(hosts, _)| hosts)
        });
        let here = ["", "localhost", "127.0.0.1", "[::1]"];
        self.place().is_some()
            && hosts
                .split(',')
                .all(|host| here.contains(&without_port(host)))
    }

    /// Whether it demands that nobody listens on the way.
    pub(crate) fn asks_for_tls(&self) -> bool {
        let modes = [
            "sslmode=require",
            "sslmode=verify-ca",
            "sslmode=verify-full",
        ];
        matches!(self.scheme(), Some("rediss" | "tls"))
            || modes.iter().any(|mode| self.0.contains(mode))
    }

    /// A message of somebody else without this address, and without the password in it.
    pub(crate) fn hide_in(&self, message: &str) -> String {
        let mut message = message.replace(&self.0, &self.to_string());
        for secret in self.secrets() {
            message = message.replace(secret, "…");
        }
        message
    }

    /// What may be a password: between the user and the last `@`, and in a parameter.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
        let password = user.split_once(':').map_or(user, |(_, password)| password);
        let parameters = rest
            .split_once('?')
            .map_or("", |(_, parameters)| parameters);
        let in_parameters = parameters.split('&').filter_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.contains("pass").then_some(value)
        });
        // Shorter ones would take ordinary words out of the message.
        std::iter::once(password)
            .chain(in_parameters)
            .filter(|secret| secret.len() >= 4)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    }
}

fn ports_are_numbers(hosts: &str) -> bool {
    hosts.split(',').all(|host| {
        let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
        after.split_once(':').is_none_or(|(_, port)| {
            !port.is_empty() && port.len() <= 5 && port.chars().all(|c| c.is_ascii_digit())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let url = BackingUrl::from(text.to_owned());
        assert_eq!(format!("{url:?}"), "BackingUrl(..)");
        url.to_string()
    }

    #[test]
    fn where_it_leads_is_shown() {
        for (text, expected) in [
            ("postgres://db.example/app", "postgres://db.example/app"),
            (
                "postgresql://ada:s3cret@db.example:5433/app?sslmode=require",
                "postgresql://db.example:5433/app",
            ),
            ("rediss://:s3cret@[::1]:6380/2", "rediss://[::1]:6380/2"),
            ("nats://s3cret@a:4222,b:4222", "nats://a:4222,b:4222"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn a_password_is_never_shown_however_it_is_written() {
        for text in [
            "postgres://ada:s3/cret@db.example/app",
            "postgres://ada:s3?cret@db.example/app",
            "postgres://ada:12/cret@db.example/app",
            "postgres://ada:12?cret@db.example/app",
            "postgres://ada:s3#cret@db.example/app",
            "postgres://ada:s3cret@cret@db.example/app",
            "postgres://db.example/app?user=ada&password=s3@cret",
            "postgres://ada:s3cret",
            "redis://:s3cret",
            "s3cret://db.example",
            "s3cret",
            "ada:s3cret@db.example",
            "S3cret://x",
        ] {
            let shown = shown(text);
            let leaked = shown.contains("cret") && shown != "s3cret://db.example";
            assert!(!leaked && !shown.contains("12"), "{text}: {shown}");
        }
    }

    #[test]
    fn this_machine_is_told_from_others() {
        let is_here = |text: &str| BackingUrl::from(text.to_owned()).is_here();
        for here in [
            "redis://127.0.0.1:6379",
            "postgres://a:b@localhost/app",
            "postgres:///app",
            "redis://[::1]:6379",
        ] {
            assert!(is_here(here), "{here}");
        }
        for other in ["redis://db.example", "postgres://localhost,db/app", "odd"] {
            assert!(!is_here(other), "{other}");
        }
    }

    #[test]
    fn a_message_of_somebody_else_loses_it() {
        let url = BackingUrl::from("postgres://ada:s3/cret@db.example/app".to_owned());
        let hidden = url.hide_in("no route to postgres://ada:s3/cret@db.example/app");
        assert_eq!(hidden, "no route to postgres://…");
        assert_eq!(url.hide_in("bad port 's3/cret'"), "bad port '…'");
        let url = BackingUrl::from("postgres://db/app?password=s3cret".to_owned());
        assert_eq!(url.hide_in("what is s3cret"), "what is …");
    }
}
