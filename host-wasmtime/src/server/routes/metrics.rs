//! `GET /metrics`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use super::super::error::{Refusal, ServerCode};
use super::super::metrics::Now;
use super::super::state::App;

/// What Prometheus and its like read.
const KIND: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// What was counted since the start. It names nobody.
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Refusal> {
    let now = Now {
        sockets: app.live.counts(),
        pool: app.auth.statistics(),
        connections: app.connections.len(),
        undelivered: app.storage.pending().await.ok(),
        certificate_ends: app.tls.as_ref().map(|tls| tls.ends()),
    };
    let text = app.metrics.text(&now);
    let text = text.map_err(|_| Refusal::from(ServerCode::Internal))?;
    Ok(([(header::CONTENT_TYPE, KIND)], text).into_response())
}
