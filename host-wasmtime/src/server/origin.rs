//! Whether a browser sent a request from this server's own pages.

use std::fmt;
use std::str::FromStr;

use http::{HeaderMap, Uri, header};

use super::error::{Refusal, ServerCode};

/// What browsers call this server: scheme, host and port, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
}

impl PublicUrl {
    /// Whether browsers reach the server over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be http:// or https://, a host and perhaps a port, no path".to_owned();
        let uri = Uri::from_str(text).map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong());
        };
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !bare || !matches!(scheme, "http" | "https") || authority.as_str().contains('@') {
            return Err(wrong());
        }
        Ok(Self {
            origin: normal(scheme, authority.as_str()),
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

/// Refuses a request that a browser sent from another origin. One that names no origin did not come from a page of
/// somebody else: browsers name it with everything that is not a plain read.
///
/// Without a public URL the server is what the `Host` header says, over what it speaks itself.
pub(crate) fn require_same(
    headers: &HeaderMap,
    public_url: Option<&PublicUrl>,
    tls: bool,
) -> Result<(), Refusal> {
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(ServerCode::OriginRefused.into());
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return Ok(());
    };
    let expected = match public_url {
        Some(url) => Some(url.origin.clone()),
        None => headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .map(|host| normal(if tls { "https" } else { "http" }, host)),
    };
    let sent = origin.to_str().ok().and_then(|origin| {
        let (scheme, authority) = origin.split_once("://")?;
        Some(normal(scheme, authority))
    });
    if origins.next().is_none() && sent.is_some() && sent == expected {
        return Ok(());
    }
    Err(ServerCode::OriginRefused.into())
}

/// An origin in lower case, without the scheme's own port.
fn normal(scheme: &str, authority: &str) -> String {
    let scheme = scheme.to_ascii_lowercase();
    let authority = authority.to_ascii_lowercase();
    let port = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(port).unwrap_or(&authority);
    format!("{scheme}://{authority}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(public_url: Option<&str>, pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let public_url = public_url.map(|url| url.parse().unwrap());
        require_same(&headers, public_url.as_ref(), false).is_ok()
    }

    #[test]
    fn without_a_public_url_the_host_header_decides() {
        let host = ("host", "127.0.0.1:4000");
        assert!(allowed(None, &[host]));
        assert!(allowed(None, &[host, ("origin", "http://127.0.0.1:4000")]));
        assert!(allowed(
            None,
            &[("host", "A.example"), ("origin", "http://a.example:80")]
        ));
        for origin in [
            "http://127.0.0.1:4001",
            "http://127.0.0.1",
            "https://127.0.0.1:4000",
            "http://evil.example",
            "http://127.0.0.1:4000.evil.example",
            "http://127.0.0.1:4000/",
            "null",
            "",
        ] {
            assert!(!allowed(None, &[host, ("origin", origin)]), "{origin}");
        }
        assert!(!allowed(None, &[("origin", "http://127.0.0.1:4000")]));
        let twice = [
            host,
            ("origin", "http://127.0.0.1:4000"),
            ("origin", "http://evil.example"),
        ];
        assert!(!allowed(None, &twice));
    }

    #[test]
    fn a_server_that_speaks_tls_has_an_origin_of_its_own() {
        let mut headers = HeaderMap::new();
        headers.append("host", "a.example".parse().unwrap());
        headers.append("origin", "https://a.example".parse().unwrap());
        assert!(require_same(&headers, None, true).is_ok());
        assert!(require_same(&headers, None, false).is_err());
    }

    #[test]
    fn with_a_public_url_only_that_counts() {
        let url = Some("https://auth.example");
        assert!(allowed(
            url,
            &[("host", "inner:4000"), ("origin", "https://auth.example")]
        ));
        assert!(allowed(url, &[("origin", "https://auth.example:443")]));
        assert!(!allowed(
            url,
            &[("host", "inner:4000"), ("origin", "http://inner:4000")]
        ));
        assert!(!allowed(url, &[("origin", "http://auth.example")]));
    }

    #[test]
    fn a_browser_that_says_where_it_was_is_believed() {
        for (site, expected) in [
            ("same-origin", true),
            ("none", true),
            ("same-site", false),
            ("cross-site", false),
        ] {
            assert_eq!(
                allowed(None, &[("host", "h"), ("sec-fetch-site", site)]),
                expected,
                "{site}"
            );
        }
    }

    #[test]
    fn public_urls_are_origins() {
        assert_eq!(
            "https://A.example:443/"
                .parse::<PublicUrl>()
                .unwrap()
                .to_string(),
            "https://a.example"
        );
        for wrong in [
            "a.example",
            "ftp://a.example",
            "https://a.example/x",
            "https://u@a.example",
            "",
        ] {
            assert!(wrong.parse::<PublicUrl>().is_err(), "{wrong}");
        }
    }
}
