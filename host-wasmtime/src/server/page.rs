//! Serves the page.

mod assets;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use super::error::{Refusal, ServerCode};
use assets::{ASSETS, INDEX};

const HTML: &str = "text/html; charset=utf-8";

/// Only what this server itself serves is loaded, nothing inline, nobody may frame it.
const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /`
pub(crate) async fn index(headers: HeaderMap) -> Response {
    let mut response = file(&headers, HTML, INDEX);
    let policy = HeaderValue::from_static(CONTENT_SECURITY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// `GET /assets/{name}`
pub(crate) async fn asset(
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let found = ASSETS.iter().find(|(known, ..)| *known == name);
    let (_, kind, text) = found.ok_or(ServerCode::NotFound)?;
    Ok(file(&headers, kind, text))
}

/// The names under `/assets/`.
pub(crate) fn assets() -> impl Iterator<Item = &'static str> {
    ASSETS.iter().map(|(name, ..)| *name)
}

/// A file, or that the browser has it already.
fn file(headers: &HeaderMap, kind: &'static str, text: &'static str) -> Response {
    let tag = tag(text);
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let cache = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, tag),
    ];
    match known {
        true => (StatusCode::NOT_MODIFIED, cache).into_response(),
        false => (cache, [(header::CONTENT_TYPE, kind)], text).into_response(),
    }
}

fn tag(text: &str) -> HeaderValue {
    let hash = Sha256::digest(text);
    let number = hash
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    HeaderValue::from_str(&format!("\"{number:016x}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}
