//! Whether an answer is one that the server's OpenAPI document has.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| authkernel_wasmtime::server::openapi(&["user".to_owned()]));

/// Fails unless the document has this answer of this route: its status, its type, and its body's schema. What the
/// server answers without a route, or to a method that a route does not have, is no part of the document.
pub(super) fn check(method: &str, path: &str, status: u16, headers: &HeaderMap, text: &str) {
    let what = format!("{method} {path} answered {status}: {text}");
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default();
    let method = match method {
        "HEAD" => "get".to_owned(),
        method => method.to_ascii_lowercase(),
    };
    let Some((template, item)) = route(path) else {
        assert_eq!(status, 404, "{what}: the path is not described");
        return is_error(text, "not_found");
    };
    if item.get(&method).is_none() {
        assert_eq!(status, 405, "{what}: the method is not described");
        return is_error(text, "method_not_allowed");
    }
    let at = format!("/paths/{}/{method}/responses/{status}", escaped(template));
    let Some(response) = DOCUMENT.pointer(&at) else {
        panic!("{what}: the status is not described");
    };
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let missing = header["required"] == true && !headers.contains_key(name.as_str());
        assert!(!missing, "{what}: the header {name} is missing");
    }
    let content = response.get("content").and_then(Value::as_object);
    let Some(content) = content.filter(|content| !content.is_empty()) else {
        return assert!(text.is_empty(), "{what}: a body is not described");
    };
    let described = content.contains_key(kind);
    assert!(described, "{what}: the type {kind} is not described");
    if !kind.ends_with("json") || text.is_empty() {
        return;
    }
    let body: Value = serde_json::from_str(text).expect("json");
    let schema = format!("#{at}/content/{}/schema", escaped(kind));
    if let Err(error) = validator(&schema).validate(&body) {
        panic!("{what}: {error} (at {})", error.instance_path);
    }
}

/// Fails unless a message of a live connection is one that the document has.
pub(super) fn check_push(message: &Value) {
    if let Err(error) = validator("#/components/schemas/Push").validate(message) {
        panic!("{message}: {error}");
    }
}

fn is_error(text: &str, code: &str) {
    // The answer to HEAD has no body.
    if text.is_empty() {
        return;
    }
    let body: Value = serde_json::from_str(text).expect("json");
    assert_eq!(body["error"]["code"], code, "{text}");
}

/// The path of the document that a path fits.
fn route(path: &str) -> Option<(&'static str, &'static Value)> {
    let fits = |template: &str| {
        let (mut wanted, mut found) = (template.split('/'), path.split('/'));
        loop {
            match (wanted.next(), found.next()) {
                (None, None) => return true,
                (Some(wanted), Some(found)) if wanted == found => {}
                (Some(wanted), Some(found)) if wanted.starts_with('{') && !found.is_empty() => {}
                _ => return false,
            }
        }
    };
    let paths = DOCUMENT["paths"].as_object()?;
    let found = paths.iter().find(|(template, _)| fits(template));
    found.map(|(template, item)| (template.as_str(), item))
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The validator for a place in the document, made once.
fn validator(reference: &str) -> Arc<Validator> {
    static MADE: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = made.entry(reference.to_owned()).or_insert_with(|| {
        // Within the document, so that what it refers to is found.
        let mut schema = DOCUMENT.clone();
        schema["$ref"] = json!(reference.replace('{', "%7B").replace('}', "%7D"));
        Arc::new(jsonschema::draft202012::new(&schema).expect("the document's schema"))
    });
    Arc::clone(validator)
}
