//! `GET /.well-known/jwks.json`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::super::state::App;

/// How long others may keep the keys: a key that was retired still verifies, a new one is found by its id.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// RFC 7517 section 8.5.2
const KIND: HeaderValue = HeaderValue::from_static("application/jwk-set+json");

/// The public keys that tokens of this server verify with.
pub(super) async fn jwks(State(app): State<App>, headers: HeaderMap) -> Response {
    let keys = app.keys.public();
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|known| known.to_str().ok())
        .is_some_and(|known| {
            known
                .split(',')
                .any(|tag| matches!(tag.trim(), tag if tag == "*" || tag.trim_start_matches("W/") == keys.tag))
        });
    let tag = HeaderValue::from_str(&keys.tag).unwrap_or(HeaderValue::from_static("\"0\""));
    let shared = [(header::CACHE_CONTROL, CACHE), (header::ETAG, tag)];
    match known {
        true => (StatusCode::NOT_MODIFIED, shared).into_response(),
        false => (shared, [(header::CONTENT_TYPE, KIND)], keys.text.clone()).into_response(),
    }
}
