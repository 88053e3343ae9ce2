//! The session cookie.

use http::{HeaderMap, HeaderValue, header};

/// The cookie's name. Over https browsers hold every cookie with the prefix to its promise: it was set over https, by
/// this host itself, for all of it.
const fn name(secure: bool) -> &'static str {
    if secure {
        "__Host-authkernel_session"
    } else {
        "authkernel_session"
    }
}

/// A cookie that holds a token until it expires. Scripts cannot read it, and other sites cannot send it with
/// anything but a plain link.
pub(crate) fn holding(token: &str, seconds: u64, secure: bool) -> Option<HeaderValue> {
    let mut value = header_value(
        &format!("{}={token}; Max-Age={seconds}", name(secure)),
        secure,
    )?;
    value.set_sensitive(true);
    Some(value)
}

/// A cookie that makes the browser forget the one it has.
pub(crate) fn clearing(secure: bool) -> HeaderValue {
    header_value(&format!("{}=; Max-Age=0", name(secure)), secure)
        .unwrap_or_else(|| HeaderValue::from_static("authkernel_session=; Max-Age=0; Path=/"))
}

fn header_value(start: &str, secure: bool) -> Option<HeaderValue> {
    let end = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{start}; Path=/; HttpOnly; SameSite=Lax{end}")).ok()
}

/// Every value that the request has for the session cookie.
pub(crate) fn values(headers: &HeaderMap, secure: bool) -> Vec<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, value)| *known == name(secure) && !value.is_empty())
        .map(|(_, value)| value)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_kept_from_scripts_and_other_sites() {
        let cookie = holding("a.b.c", 60, true).unwrap();
        assert_eq!(
            cookie,
            "__Host-authkernel_session=a.b.c; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(cookie.is_sensitive());
        assert!(!clearing(false).to_str().unwrap().contains("Secure"));
    }

    #[test]
    fn every_value_is_found() {
        let mut headers = HeaderMap::new();
        headers.append(
            "cookie",
            "x=1; authkernel_session=a.b.c;authkernel_session_2=d"
                .parse()
                .unwrap(),
        );
        headers.append("cookie", "authkernel_session=e".parse().unwrap());
        headers.append("cookie", "authkernel_session=".parse().unwrap());
        assert_eq!(values(&headers, false), ["a.b.c", "e"]);
        // What a neighbour on plain http has set does not count.
        assert!(values(&headers, true).is_empty());
        headers.append("cookie", "__Host-authkernel_session=f".parse().unwrap());
        assert_eq!(values(&headers, true), ["f"]);
    }
}
