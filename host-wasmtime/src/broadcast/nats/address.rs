//! Where the servers are, and who we are there.

use std::fmt;

use async_nats::{ConnectOptions, ServerAddr};

use super::super::ConnectError;

/// The servers of one cluster, and what lets us in. The library reads no credentials from an address, and the servers
/// that it discovers later have none: so they are options.
pub(super) struct Address {
    servers: Vec<ServerAddr>,
    credentials: Credentials,
}

enum Credentials {
    None,
    Token(String),
    Password(String, String),
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, ConnectError> {
        let mut servers = Vec::new();
        let mut credentials = Credentials::None;
        for part in url.split(',') {
            // The library's text can quote what stands there, so it is left out.
            let server: ServerAddr = part.trim().parse().map_err(|_| unreadable())?;
            if !["nats", "tls"].contains(&server.scheme()) || server.host().is_empty() {
                return Err(unreadable());
            }
            if let Some(name) = server.username() {
                let name = percent_decoded(name).ok_or_else(unreadable)?;
                credentials = match server.password() {
                    None => Credentials::Token(name),
                    Some(password) => {
                        let password = percent_decoded(password).ok_or_else(unreadable)?;
                        Credentials::Password(name, password)
                    }
                };
            }
            servers.push(without_credentials(&server).ok_or_else(unreadable)?);
        }
        Ok(Self {
            servers,
            credentials,
        })
    }

    pub(super) fn servers(&self) -> Vec<ServerAddr> {
        self.servers.clone()
    }

    pub(super) fn authenticate(&self, options: ConnectOptions) -> ConnectOptions {
        match &self.credentials {
            Credentials::None => options,
            Credentials::Token(token) => options.token(token.clone()),
            Credentials::Password(user, password) => {
                options.user_and_password(user.clone(), password.clone())
            }
        }
    }
}

/// Without what lets us in.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, server) in self.servers.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{}:{}", server.host(), server.port())?;
        }
        Ok(())
    }
}

fn unreadable() -> ConnectError {
    ConnectError::Address(
        "expected nats://user:password@host:port, or tls:// for tls, several separated by commas"
            .to_owned(),
    )
}

fn without_credentials(server: &ServerAddr) -> Option<ServerAddr> {
    let host = server.host();
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let url = format!("{}://{host}:{}", server.scheme(), server.port());
    url.parse().ok()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_credentials_are_read() {
        let read = |url: &str| {
            let address = Address::parse(url).unwrap();
            let credentials = match &address.credentials {
                Credentials::None => String::new(),
                Credentials::Token(token) => token.clone(),
                Credentials::Password(user, password) => format!("{user} {password}"),
            };
            let tls: Vec<bool> = address
                .servers
                .iter()
                .map(ServerAddr::tls_required)
                .collect();
            (address.to_string(), credentials, tls)
        };
        let plain = vec![false];
        assert_eq!(
            read("127.0.0.1"),
            ("127.0.0.1:4222".into(), String::new(), plain.clone())
        );
        assert_eq!(
            read("nats://a%40b:p%3Aw@h:1"),
            ("h:1".into(), "a@b p:w".into(), plain.clone())
        );
        assert_eq!(
            read("nats://token@[::1]:2"),
            ("::1:2".into(), "token".into(), plain)
        );
        assert_eq!(
            read("tls://u:p@a, nats://b"),
            ("a:4222,b:4222".into(), "u p".into(), vec![true, false])
        );
    }

    #[test]
    fn no_error_shows_what_stands_in_the_address() {
        for url in [
            "",
            "http://anna:secret@h",
            "nats://anna:secret@h:port",
            "nats://anna:%zz-secret@h",
            "nats://anna:secret@",
            "nats://h,,secret:",
            "ws://secret@h",
        ] {
            let error = Address::parse(url).err().expect(url);
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
    }
}
