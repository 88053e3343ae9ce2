//! Request bodies: JSON of a known shape, declared as JSON, of limited size.

use authkernel::limits::MAX_TIME;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::header;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::error::{Refusal, ServerCode};

/// The largest body that is taken, in bytes. Each request carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyLimit(pub(crate) usize);

impl Default for BodyLimit {
    fn default() -> Self {
        Self(16 * 1024)
    }
}

/// How much of a body that is too large is read and thrown away, so that its sender gets to read the answer.
const DRAIN: usize = 4 * 1024 * 1024;

/// What a route takes. Its members are known: others are refused, a misspelt one would be ignored.
pub(crate) trait Shape: DeserializeOwned {
    /// The members in words, for the message of a refusal.
    const MEMBERS: &'static str;
}

/// A moment that a client names, in seconds since 1970: a whole number that every JSON reader keeps exact, however it
/// is written (JSON has one kind of number: `5.0` is 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) u64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(reader)?;
        let whole = number.as_u64().or_else(|| {
            let number = number.as_f64()?;
            let fits = number.fract() == 0.0 && (0.0..=MAX_TIME as f64).contains(&number);
            fits.then_some(number as u64)
        });
        whole
            .filter(|whole| *whole <= MAX_TIME)
            .map(Self)
            .ok_or_else(|| D::Error::custom("not a moment"))
    }
}

/// A body that has its shape.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: Shape, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let declared = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(is_json);
        let bytes = read(request).await?;
        if !declared {
            return Err(ServerCode::ContentTypeInvalid.into());
        }
        // The reader would take a list of the members' values in their order for the object.
        let is_object = bytes.trim_ascii_start().first() == Some(&b'{');
        // The reader's own message may repeat a value, and a value may be a password.
        let read = is_object.then(|| serde_json::from_slice(&bytes).ok());
        read.flatten().map(Self).ok_or_else(|| {
            let message = format!("the body must be a json object with {}", T::MEMBERS);
            Refusal::with(ServerCode::BodyInvalid, message)
        })
    }
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    json && parts.all(|part| part.is_empty() || part.eq_ignore_ascii_case("charset=utf-8"))
}

/// The whole body, unless it is too large.
pub(crate) async fn read(request: Request) -> Result<Bytes, Refusal> {
    let limit = request.extensions().get::<BodyLimit>();
    let BodyLimit(limit) = limit.copied().unwrap_or_default();
    let mut stream = request.into_body().into_data_stream();
    let mut kept = BytesMut::new();
    let mut total = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Refusal::from(ServerCode::BodyInvalid))?;
        total += chunk.len();
        if total <= limit {
            kept.extend_from_slice(&chunk);
        } else if total > DRAIN {
            break;
        }
    }
    if total > limit {
        let message = format!("the body is larger than {limit} bytes");
        return Err(Refusal::with(ServerCode::BodyTooLarge, message));
    }
    Ok(kept.freeze())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        password: String,
    }

    impl Shape for Sample {
        const MEMBERS: &'static str = "password (text)";
    }

    async fn send(content_type: &str, body: impl Into<Body>) -> Result<String, Refusal> {
        let request = Request::builder()
            .header(header::CONTENT_TYPE, content_type)
            .body(body.into())
            .unwrap();
        let JsonBody(sample) = JsonBody::<Sample>::from_request(request, &()).await?;
        Ok(sample.password)
    }

    #[tokio::test]
    async fn only_declared_json_of_the_shape_is_taken() {
        let good = r#"{"password":"x"}"#;
        assert_eq!(
            send("application/json; charset=UTF-8", good).await.unwrap(),
            "x"
        );
        assert_eq!(
            send("text/plain", good).await.unwrap_err().code(),
            "content_type_invalid"
        );
        let deep = format!("{{\"password\":{}1{}}}", "[".repeat(4000), "]".repeat(4000));
        let bad: [&[u8]; 9] = [
            b"",
            b"{",
            b"[]",
            b"[\"x\"]",
            b"{\"password\":1}",
            b"{\"password\":\"x\",\"more\":1}",
            b"{\"password\":\"x\",\"password\":\"y\"}",
            b"{\"password\":\"\xff\"}",
            deep.as_bytes(),
        ];
        for body in bad {
            let refusal = send("application/json", body.to_vec()).await.unwrap_err();
            assert_eq!(refusal.code(), "body_invalid");
        }
    }

    #[test]
    fn a_moment_is_a_whole_number_that_is_kept_exact() {
        let read = |text: &str| serde_json::from_str(text).ok().map(|Seconds(at)| at);
        for (text, expected) in [
            ("0", Some(0)),
            ("1800000000.0", Some(1_800_000_000)),
            ("9007199254740991", Some(MAX_TIME)),
            ("9007199254740992", None),
            ("1e300", None),
            ("-1", None),
            ("0.5", None),
            ("\"5\"", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn what_is_too_large_is_said_to_be() {
        let refusal = send("application/json", vec![b' '; BodyLimit::default().0 + 1])
            .await
            .unwrap_err();
        assert_eq!(refusal.code(), "body_too_large");
    }

    #[tokio::test]
    async fn a_refusal_does_not_repeat_what_was_sent() {
        let refusal = send("application/json", r#"{"password":["hunter2"]}"#)
            .await
            .unwrap_err();
        assert!(!format!("{refusal:?}").contains("hunter2"));
    }
}
