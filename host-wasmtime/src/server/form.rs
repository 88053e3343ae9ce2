//! Bodies and headers of OAuth requests: forms (RFC 6749 appendix B) and the client's own credentials (section 2.3.1).

use axum::extract::{FromRequest, Request};
use base64ct::{Base64, Encoding};
use http::{HeaderMap, header};

use super::body;
use super::oauth_error::OAuthError;

/// A form whose parameters are there once each.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// A parameter that is there and not empty (RFC 6749 section 3.1: without a value is as if omitted).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _: &S) -> Result<Self, OAuthError> {
        let declared = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|name| {
                name.trim()
                    .eq_ignore_ascii_case("application/x-www-form-urlencoded")
            });
        let bytes = body::read(request).await.map_err(OAuthError::from)?;
        if !declared {
            return Err(OAuthError::invalid_request(
                "send the header content-type: application/x-www-form-urlencoded",
            ));
        }
        let mut form = Vec::<(String, String)>::new();
        for (name, value) in form_urlencoded::parse(&bytes) {
            if form.iter().any(|(known, _)| *known == name) {
                return Err(OAuthError::invalid_request("a parameter is there twice"));
            }
            form.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(form))
    }
}

/// Who a client says it is, and the secret it proves that with.
pub(crate) struct Presented {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// It used the `Authorization` header.
    pub(crate) by_header: bool,
}

/// The credentials of a client: HTTP Basic, or `client_id` and `client_secret` in the form, never both.
pub(crate) fn credentials(headers: &HeaderMap, form: &Form) -> Result<Presented, OAuthError> {
    let mut headers = headers.get_all(header::AUTHORIZATION).iter();
    let by_header = match (headers.next(), headers.next()) {
        (None, _) => None,
        (Some(one), None) => Some(basic(one.as_bytes()).ok_or(OAuthError::invalid_client(true))?),
        (Some(_), Some(_)) => return Err(OAuthError::invalid_client(true)),
    };
    match (by_header, form.get("client_secret")) {
        (Some(_), Some(_)) => Err(OAuthError::invalid_request(
            "the client authenticates in two ways: choose one",
        )),
        (Some(presented), None) => match form.get("client_id") {
            Some(id) if id != presented.id => Err(OAuthError::invalid_request(
                "client_id is another one than that of the header",
            )),
            _ => Ok(presented),
        },
        (None, Some(secret)) => Ok(Presented {
            id: form.get("client_id").unwrap_or_default().to_owned(),
            secret: secret.to_owned(),
            by_header: false,
        }),
        (None, None) => Err(OAuthError::invalid_client(true)),
    }
}

/// `Basic base64(id:secret)`, both form-encoded before.
fn basic(header: &[u8]) -> Option<Presented> {
    let text = std::str::from_utf8(header).ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Base64::decode_vec(encoded.trim_matches(' ')).ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Presented {
        id: form_decoded(id),
        secret: form_decoded(secret),
        by_header: true,
    })
}

fn form_decoded(text: &str) -> String {
    // Without `=` and `&` in it, a text is a name without a value.
    let protected = text.replace('=', "%3D").replace('&', "%26");
    let decoded = form_urlencoded::parse(protected.as_bytes()).next();
    decoded.map_or_else(String::new, |(name, _)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(id_and_secret: &str) -> HeaderMap {
        let value = format!("bAsIc {}", Base64::encode_string(id_and_secret.as_bytes()));
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    fn form(pairs: &[(&str, &str)]) -> Form {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Form(pairs.iter().map(owned).collect())
    }

    #[test]
    fn a_client_authenticates_in_one_way() {
        let basic = credentials(&header("a%20b:s%3Ac+d"), &form(&[])).unwrap();
        assert_eq!((basic.id.as_str(), basic.secret.as_str()), ("a b", "s:c d"));
        let posted = form(&[("client_id", "a"), ("client_secret", "s")]);
        let post = credentials(&HeaderMap::new(), &posted).unwrap();
        assert_eq!((post.id.as_str(), post.secret.as_str()), ("a", "s"));
        assert!(credentials(&header("a:s"), &posted).is_err());
        assert!(credentials(&header("a:s"), &form(&[("client_id", "b")])).is_err());
        assert!(credentials(&header("a:s"), &form(&[("client_id", "a")])).is_ok());
        assert!(credentials(&HeaderMap::new(), &form(&[("client_id", "a")])).is_err());
        for wrong in ["Bearer a.b.c", "Basic", "Basic !", "Basic YQ=="] {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, wrong.parse().unwrap())]);
            assert!(credentials(&headers, &form(&[])).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_parameter_is_there_once() {
        let send = |text: &'static str| {
            let request = Request::builder()
                .header(
                    header::CONTENT_TYPE,
                    "application/x-www-form-urlencoded; charset=UTF-8",
                )
                .body(text.into())
                .unwrap();
            Form::from_request(request, &())
        };
        let form = send("token=a.b.c&empty=").await.unwrap();
        assert_eq!(form.get("token"), Some("a.b.c"));
        assert_eq!(form.get("empty"), None);
        assert!(send("token=a&token=b").await.is_err());
    }
}
