//! One operation of the document, put together piece by piece.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::error::Refusal;
use super::responses;

/// A method of a path.
pub(super) struct Operation {
    path: &'static str,
    method: &'static str,
    members: Map<String, Value>,
    parameters: Vec<Value>,
    responses: BTreeMap<u16, Value>,
    refusals: Vec<Refusal>,
}

impl Operation {
    fn new(method: &'static str, path: &'static str, id: &str, tag: &str, summary: &str) -> Self {
        let mut members = Map::new();
        members.insert("operationId".to_owned(), id.into());
        members.insert("tags".to_owned(), json!([tag]));
        members.insert("summary".to_owned(), summary.into());
        Self {
            path,
            method,
            members,
            parameters: Vec::new(),
            responses: BTreeMap::new(),
            refusals: Vec::new(),
        }
        .response(
            431,
            json!({ "description": "the head of the request has too many bytes or lines" }),
        )
        .refuses(responses::of_every_request())
    }

    pub(super) fn get(path: &'static str, id: &str, tag: &str, summary: &str) -> Self {
        Self::new("get", path, id, tag, summary)
    }

    pub(super) fn post(path: &'static str, id: &str, tag: &str, summary: &str) -> Self {
        Self::new("post", path, id, tag, summary)
    }

    pub(super) fn delete(path: &'static str, id: &str, tag: &str, summary: &str) -> Self {
        Self::new("delete", path, id, tag, summary)
    }

    /// More than the summary says.
    pub(super) fn says(mut self, description: &str) -> Self {
        self.members
            .insert("description".to_owned(), description.into());
        self
    }

    /// One of these security schemes is needed; an empty name means that none is.
    pub(super) fn secured(mut self, schemes: &[&str]) -> Self {
        let each = |name: &&str| match *name {
            "" => json!({}),
            name => json!({ name: [] }),
        };
        let schemes: Vec<Value> = schemes.iter().map(each).collect();
        self.members.insert("security".to_owned(), schemes.into());
        self
    }

    /// The caller's session is needed: as a bearer token, or as the cookie from the same origin.
    pub(super) fn for_a_session(self) -> Self {
        self.secured(&["bearer", "cookie"])
            .refuses(responses::of_a_session())
    }

    /// A parameter: where it is, its name, its schema, what it means.
    pub(super) fn parameter(self, place: &str, name: &str, schema: Value, text: &str) -> Self {
        self.add_parameter(json!({
            "name": name, "in": place, "required": place == "path", "schema": schema, "description": text,
        }))
    }

    fn add_parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// A JSON body of this schema, with an example.
    pub(super) fn takes(self, schema: &str, example: Value) -> Self {
        self.body("application/json", schema, example)
            .refuses(responses::of_a_body())
    }

    /// A body of another type.
    pub(super) fn body(mut self, kind: &str, schema: &str, example: Value) -> Self {
        let content = json!({ kind: { "schema": schema_ref(schema), "example": example } });
        let body = json!({ "required": true, "content": content });
        self.members.insert("requestBody".to_owned(), body);
        self
    }

    /// An answer with a JSON body of this schema, with an example.
    pub(super) fn answers(self, status: u16, text: &str, schema: &str, example: Value) -> Self {
        let content =
            json!({ "application/json": { "schema": schema_ref(schema), "example": example } });
        self.response(status, json!({ "description": text, "content": content }))
    }

    /// An answer that is no JSON.
    pub(super) fn answers_with(self, status: u16, text: &str, kinds: &[&str]) -> Self {
        let content: Map<String, Value> = kinds
            .iter()
            .map(|kind| {
                (
                    (*kind).to_owned(),
                    json!({ "schema": { "type": "string" } }),
                )
            })
            .collect();
        self.response(status, json!({ "description": text, "content": content }))
    }

    /// An answer as it stands in the document.
    pub(super) fn response(mut self, status: u16, response: Value) -> Self {
        self.responses.insert(status, response);
        self
    }

    /// A header of an answer that was described already.
    pub(super) fn header(mut self, status: u16, name: &str, required: bool, text: &str) -> Self {
        if let Some(response) = self.responses.get_mut(&status) {
            response["headers"][name] = json!({ "description": text, "required": required, "schema": { "type": "string" } });
        }
        self
    }

    /// Refusals, which the document has by status.
    pub(super) fn refuses(mut self, refusals: impl IntoIterator<Item = Refusal>) -> Self {
        self.refusals.extend(refusals);
        self
    }

    /// Path, method, and the operation as the document has it.
    pub(super) fn finish(self) -> (&'static str, &'static str, Value) {
        let mut members = self.members;
        if !self.parameters.is_empty() {
            members.insert("parameters".to_owned(), self.parameters.into());
        }
        let mut described = self.responses;
        for (status, response) in responses::by_status(self.refusals) {
            // An answer that was described in full stays as it is.
            described.entry(status).or_insert(response);
        }
        let described: Map<String, Value> = described
            .into_iter()
            .map(|(status, response)| (status.to_string(), response))
            .collect();
        members.insert("responses".to_owned(), described.into());
        members
            .entry("security")
            .or_insert_with(|| Value::Array(Vec::new()));
        (self.path, self.method, members.into())
    }
}

/// A schema by its name.
pub(super) fn schema_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
