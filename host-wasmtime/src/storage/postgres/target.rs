//! Where a server is: an address, and what is to be known beside what the library reads of it.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use super::error::OpenError;
use super::tls::{Connector, Trust};

/// How long a host may take to take a connection when the address does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long sent bytes may stay without an answer of the other side's system.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);

/// A server, and how to speak with it.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) config: Config,
    pub(crate) connector: Connector,
}

/// Parameters that the library does not know, or not all values of.
#[derive(Default)]
struct Own {
    verified: bool,
    root_certificates: Option<PathBuf>,
    names: Vec<String>,
}

impl Target {
    /// Reads an address: `postgres://user:password@host:port/database?parameter=value`.
    pub(crate) fn parse(url: &str) -> Result<Self, OpenError> {
        let is_url = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme));
        if !is_url {
            return Err(OpenError::Address);
        }
        let (url, own) = without_own(url)?;
        let mut config: Config = url.parse().map_err(|_| match &*own.names {
            // The library's text can quote what stands there, so it is left out.
            [] => OpenError::Address,
            _ => OpenError::Parameter {
                name: "one of those after the question mark",
            },
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        if config.get_application_name().is_none() {
            config.application_name("authkernel");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(TCP_USER_TIMEOUT);
        }
        if own.verified {
            config.ssl_mode(SslMode::Require);
        }
        // A standby may not have seen a revocation. Of several hosts this finds the primary.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        let trust = match (config.get_ssl_mode(), own.root_certificates) {
            (SslMode::Disable, _) => Trust::Nobody,
            (SslMode::Prefer, None) => Trust::Anybody,
            (_, Some(file)) => Trust::File(file),
            (_, None) => Trust::System,
        };
        Ok(Self {
            config,
            connector: Connector::new(trust)?,
        })
    }
}

/// Takes out what the library would refuse.
fn without_own(url: &str) -> Result<(String, Own), OpenError> {
    let mut own = Own::default();
    // A password may have a question mark: parameters stand behind the host.
    let host = url.rfind('@').unwrap_or(0);
    let Some(question) = url[host..].find('?').map(|at| host + at) else {
        return Ok((url.to_owned(), own));
    };
    let mut others = Vec::new();
    for (name, value) in parameters(&url[question + 1..]) {
        match name {
            "sslmode" => match value {
                "verify-full" | "verify-ca" => own.verified = true,
                "disable" | "prefer" | "require" => others.push(format!("{name}={value}")),
                // Encrypted only if the server insists: the next better one.
                "allow" => others.push(format!("{name}=prefer")),
                _ => return Err(OpenError::Parameter { name: "sslmode" }),
            },
            "sslrootcert" if value == "system" => own.verified = true,
            "sslrootcert" => {
                let path = percent_decoded(value).ok_or(OpenError::Parameter {
                    name: "sslrootcert",
                })?;
                own.root_certificates = Some(path.into());
            }
            _ => {
                own.names.push(name.to_owned());
                others.push(format!("{name}={value}"));
            }
        }
    }
    let mut rest = url[..question].to_owned();
    if !others.is_empty() {
        rest.push('?');
        rest.push_str(&others.join("&"));
    }
    Ok((rest, own))
}

fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let digits = after.get(..2)?;
            let digits = std::str::from_utf8(digits).ok()?;
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

    fn parsed(url: &str) -> Target {
        Target::parse(url).expect("an address")
    }

    #[test]
    fn an_address_is_read_and_completed() {
        let target =
            parsed("postgres://anna:p%3Fw@db.example:5433/auth?sslmode=disable&connect_timeout=2");
        let config = &target.config;
        assert_eq!(config.get_password(), Some("p?w".as_bytes()));
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!(config.get_dbname(), Some("auth"));
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(2)));
        assert_eq!(config.get_ssl_mode(), SslMode::Disable);
        let target = parsed("postgresql:///auth");
        assert_eq!(target.config.get_ssl_mode(), SslMode::Prefer);
        assert_eq!(target.config.get_connect_timeout(), Some(&CONNECT_TIMEOUT));
        assert_eq!(target.config.get_hosts().len(), 1);
    }

    #[test]
    fn a_standby_is_never_asked_for() {
        for url in [
            "postgres://h/d",
            "postgres://a,b/d?target_session_attrs=any",
        ] {
            let attributes = parsed(url).config.get_target_session_attrs();
            assert_eq!(attributes, TargetSessionAttrs::ReadWrite, "{url}");
        }
    }

    #[test]
    fn modes_that_verify_are_known() {
        for mode in ["verify-full", "verify-ca", "require"] {
            // Without certificates on this machine it is refused, and never taken for another mode.
            match Target::parse(&format!("postgres://h/d?sslmode={mode}")) {
                Ok(target) => assert_eq!(target.config.get_ssl_mode(), SslMode::Require),
                Err(error) => assert!(matches!(error, OpenError::Certificates(_)), "{error:?}"),
            }
        }
        let error = Target::parse("postgres://h/d?sslmode=none").err();
        assert!(matches!(
            error,
            Some(OpenError::Parameter { name: "sslmode" })
        ));
    }

    #[test]
    fn no_error_shows_what_stands_in_the_address() {
        for url in [
            "mysql://anna:secret@h/d",
            "postgres://anna:secret@h:port/d",
            "postgres://anna:se?cret=x@h/d?unknown=secret",
            "postgres://anna:secret@h/d?secret",
            "postgres://anna:secret@h/d?sslmode=secret",
            "postgres://anna:secret@h/d?sslrootcert=%zz&secret=1",
            "host=h password=secret",
            "secret",
        ] {
            let error = Target::parse(url).err().expect(url);
            let texts = format!("{error} {error:?}");
            assert!(
                !texts.contains("secret") && !texts.contains("cret"),
                "{url}: {texts}"
            );
        }
    }
}
