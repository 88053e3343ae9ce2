//! Around every request: a time limit, headers that every answer has, and one log line without any secret.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::error::{Refusal, RefusalCode, ServerCode};
use super::state::App;

/// Runs a request. Its path is logged as the route's, its query and headers never are.
pub(super) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let answer = tokio::time::timeout(app.settings.request_limit(), next.run(request)).await;
    let mut response =
        answer.unwrap_or_else(|_| Refusal::from(ServerCode::RequestTimeout).into_response());
    harden(response.headers_mut());
    let status = response.status().as_u16();
    let code = response
        .extensions()
        .get::<RefusalCode>()
        .map_or("", |code| code.0);
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    app.metrics.request(&method, route, status, start.elapsed());
    let took = Duration::from_micros(micros).as_secs_f64() * 1000.0;
    if response.status().is_server_error() {
        tracing::warn!(%method, route, status, code, ms = took, "request failed");
    } else {
        tracing::debug!(%method, route, status, code, ms = took, "request");
    }
    response
}

fn harden(headers: &mut HeaderMap) {
    const SET: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in SET {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Answers are about one caller, unless a file says otherwise.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
