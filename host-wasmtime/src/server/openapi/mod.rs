//! The OpenAPI document: what every route takes and answers, for programs that generate clients and tests.
//!
//! It is written by hand, beside the routes: what a handler may refuse is no part of its type, so nothing could be
//! derived from it. What keeps it true are tests: the router's own table has the same routes (`routes/mod.rs`), every
//! answer that any test of the server gets must be one that is written here, and schemathesis asks the running server.

mod accounts;
mod operation;
mod operators;
mod responses;
mod schemas;
mod services;
mod sessions;
mod sockets;

use serde_json::{Map, Value, json};

use self::operation::Operation;

/// The document of a server whose policy declares these purposes.
pub fn document(purposes: &[String]) -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let (path, method, described) = operation.finish();
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[method] = described;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "authkernel",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Tokens and instant sign-out",
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "where this document was served" }],
        "tags": [
            { "name": "accounts", "description": "For a person's browser or app: register, sign in, change credentials" },
            { "name": "sessions", "description": "Who is signed in, and signing out" },
            { "name": "live connections", "description": "Closed in the moment in which their session ends" },
            { "name": "services", "description": "For other services, in any language" },
            { "name": "operators", "description": "Health, metrics, this document" },
            { "name": "page", "description": "The page that shows it" },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas::all(purposes),
            "securitySchemes": schemas::security(),
        },
    })
}

const DESCRIPTION: &str = "\
The reference server of authkernel. When a call that signs out has returned, the tokens that it meant are accepted \
nowhere any more, and the live connections opened with them are being closed.

Every refusal is `{\"error\": {\"code\", \"message\"}}` with a stable code; the routes for other services answer as \
their RFCs say. Where an `Authorization` header is present only it counts. A request whose credential is the cookie \
must come from this server's own origin. Bodies have at most the bytes that the operator set (16384 by default).";

/// Every operation, in the order of the document.
fn operations() -> Vec<Operation> {
    [
        accounts::operations(),
        sessions::operations(),
        sockets::operations(),
        services::operations(),
        operators::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Method and path of every operation that is described.
#[cfg(test)]
pub(crate) fn described() -> Vec<(String, String)> {
    let operations = operations().into_iter().map(Operation::finish);
    operations
        .map(|(path, method, _)| (method.to_owned(), path.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
        let document = document(&["user".to_owned()]);
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
        let mut names = std::collections::HashSet::new();
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} is there twice");
            }
        }
        for name in document["components"]["schemas"]
            .as_object()
            .unwrap()
            .keys()
        {
            assert!(
                text.contains(&format!("#/components/schemas/{name}\"")),
                "{name} is used nowhere"
            );
        }
    }
}
