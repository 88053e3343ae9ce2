//! Health, metrics, this document, the page.

use serde_json::{Value, json};

use super::super::error::ServerCode;
use super::super::page;
use super::accounts::codes;
use super::operation::Operation;

const TAG: &str = "operators";

pub(super) fn operations() -> Vec<Operation> {
    vec![health(), metrics(), openapi(), index(), asset()]
}

fn health() -> Operation {
    Operation::get("/healthz", "health", TAG, "Whether the process answers")
        .says("Says nothing of storage: a restart would not mend that.")
        .answers(200, "it does", "Health", json!({ "status": "ok" }))
}

fn metrics() -> Operation {
    Operation::get(
        "/metrics",
        "metrics",
        TAG,
        "What was counted, for Prometheus",
    )
    .says("No label names a person, an address or a token.")
    .answers_with(
        200,
        "the OpenMetrics text format",
        &["application/openmetrics-text"],
    )
}

fn openapi() -> Operation {
    let response = json!({
        "description": "an OpenAPI 3.1 document",
        "content": { "application/json": { "schema": { "type": "object" } } },
    });
    Operation::get("/openapi.json", "openapi", TAG, "This document").response(200, response)
}

fn index() -> Operation {
    Operation::get("/", "page", "page", "The page")
        .cached()
        .answers_with(200, "it", &["text/html"])
        .header(200, "ETag", true, "changes with the file")
}

fn asset() -> Operation {
    let names: Vec<Value> = page::assets().map(Value::from).collect();
    Operation::get("/assets/{name}", "asset", "page", "A file of the page")
        .parameter(
            "path",
            "name",
            json!({ "type": "string", "enum": names }),
            "which",
        )
        .cached()
        .answers_with(200, "it", &["text/css", "text/javascript", "image/svg+xml"])
        .header(200, "ETag", true, "changes with the file")
        .refuses(codes(&[ServerCode::NotFound]))
}

impl Operation {
    fn cached(self) -> Self {
        let schema = json!({ "type": "string" });
        self.parameter(
            "header",
            "If-None-Match",
            schema,
            "the `ETag` of the copy at hand",
        )
        .response(304, json!({ "description": "the copy at hand is good" }))
        .header(304, "ETag", true, "that of the copy")
    }
}
