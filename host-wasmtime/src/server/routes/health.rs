//! `GET /healthz`

use axum::Json;
use serde_json::{Value, json};

/// The process answers. Says nothing of storage: a restart would not mend that.
pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}
