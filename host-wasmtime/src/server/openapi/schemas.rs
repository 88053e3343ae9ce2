//! The bodies of requests and answers, and the ways to authenticate.

use authkernel::Code;
use authkernel::limits::{MAX_TEXT_BYTES, MAX_TIME};
use serde_json::{Map, Value, json};

use super::super::error::ServerCode;
use super::operation::schema_ref;

/// Every schema, by its name.
pub(super) fn all(purposes: &[String]) -> Value {
    let mut schemas = Map::new();
    for part in [requests(purposes), answers(), messages(), others()] {
        schemas.extend(part.as_object().cloned().unwrap_or_default());
    }
    schemas.into()
}

/// A text that names something: not empty, at most 255 bytes of UTF-8, no control characters.
pub(super) fn text() -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": MAX_TEXT_BYTES, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*$",
        "description": "at most 255 bytes of UTF-8",
    })
}

fn optional(mut schema: Value) -> Value {
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

fn requests(purposes: &[String]) -> Value {
    let mut excludable = purposes.to_vec();
    excludable.push("revocation".to_owned());
    // What the server takes for an e-mail address, as a pattern that bounds its parts, too.
    let email = json!({
        "type": "string", "maxLength": 254,
        "pattern": "^ *[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,31}([.][A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,31})?\
                    @([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?[.])?[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])? *$",
        "description": "ascii only, name@domain, at most 254 characters",
    });
    let new_password = json!({
        "type": "string", "minLength": 8, "maxLength": 1024, "format": "password",
        "description": "at most 1024 bytes of UTF-8, and not the e-mail address",
    });
    let password = json!({ "type": "string", "format": "password" });
    let optional_purposes = |names: &[String]| json!({ "type": ["array", "null"], "items": { "type": "string", "enum": names } });
    let flag = |default: bool| json!({ "type": "boolean", "default": default });
    json!({
        "Register": object(&["email", "password"], json!({ "email": email, "password": new_password })),
        "SignIn": object(&["email", "password"], json!({
            "email": { "type": "string" }, "password": password, "device": optional(text()),
            "cookie": { "type": ["boolean", "null"], "default": true },
        })),
        "ChangePassword": object(&["current", "new"], json!({ "current": password, "new": new_password })),
        "ChangeEmail": object(&["current", "email"], json!({ "current": password, "email": email })),
        "SignOutEverywhere": object(&[], json!({
            "keep_current": flag(false), "disconnect_self": flag(true), "dry_run": flag(false),
            "include_purposes": optional_purposes(purposes), "exclude_purposes": optional_purposes(&excludable),
        })),
        "SignOutSubject": object(&[], json!({
            "include_purposes": optional_purposes(purposes), "exclude_purposes": optional_purposes(&excludable),
            "keep": { "type": "array", "maxItems": 8, "items": text(), "description": "sessions to leave alone" },
            "issued_before": { "type": ["integer", "null"], "minimum": 0, "maximum": MAX_TIME,
                "description": "seconds since 1970" },
            "reason": optional(text()), "dry_run": flag(false),
        })),
        "TokenForm": {
            "type": "object", "required": ["token"], "additionalProperties": { "type": "string" },
            "description": "a client that cannot send HTTP Basic puts `client_id` and `client_secret` here",
            "properties": {
                "token": { "type": "string", "minLength": 1 },
                "token_type_hint": { "type": "string", "description": "makes no difference" },
            },
        },
    })
}

/// An object of which every member is known: a misspelt one would be ignored.
fn object(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object", "required": required, "properties": properties, "additionalProperties": false,
    })
}

/// An answer: all of its members are there.
fn complete(properties: Value) -> Value {
    let required: Vec<&str> = properties
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect();
    object(&required, properties.clone())
}

fn answers() -> Value {
    let string = json!({ "type": "string" });
    let time = json!({ "type": "integer", "minimum": 0, "description": "seconds since 1970" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let nullable = json!({ "type": ["string", "null"] });
    let counts = json!({
        "revoked": { "type": "integer", "minimum": 0, "description": "sessions that were ended or lost a token" },
        "disconnected": { "type": "integer", "minimum": 0, "description": "topics that the broker took" },
        "undelivered": { "type": "integer", "minimum": 0, "description": "topics that it did not; they are sent again" },
    });
    let with = |more: Value| {
        let mut members = counts.clone();
        for (name, schema) in more.as_object().into_iter().flatten() {
            members[name] = schema.clone();
        }
        members
    };
    let current = json!({ "type": "string", "enum": ["live", "ended"] });
    // A dry run says nothing of the current session: nothing becomes of it.
    let mut ended = complete(with(json!({ "current_session": current })));
    ended["required"] = json!(["revoked", "disconnected", "undelivered"]);
    json!({
        "Registered": complete(json!({ "subject": string })),
        "SignedIn": complete(json!({
            "token": string, "jti": string, "sid": string, "subject": string, "socket_id": nullable, "expires_at": time,
        })),
        "Me": complete(json!({
            "subject": string, "email": nullable, "sid": string, "jti": string, "purpose": string,
            "socket_id": nullable, "issued_at": time, "expires_at": time,
            "deadline": { "type": "integer", "description": "from then on the token is refused" },
            "claims": { "type": "object", "description": "extra claims" },
        })),
        "Sessions": complete(json!({
            "sessions": { "type": "array", "items": schema_ref("Session") },
            "next": { "type": ["string", "null"], "description": "for `after`, when there are more" },
        })),
        "Session": complete(json!({
            "sid": string, "device": nullable, "created_at": time, "last_seen": time, "ends_at": time,
            "current": { "type": "boolean" }, "connections": count,
        })),
        "Counts": complete(counts.clone()),
        "Ended": ended,
        "Pending": complete(with(json!({ "current_session": current, "pending": { "const": true } }))),
        "Ticket": complete(json!({ "ticket": string, "expires_in": count })),
        "Health": complete(json!({ "status": { "const": "ok" } })),
        "Nothing": complete(json!({})),
    })
}

fn messages() -> Value {
    let string = json!({ "type": "string" });
    let kind = |name: &str| json!({ "const": name });
    let closed = json!({
        "type": "object", "required": ["sid", "socket_id", "reason"], "additionalProperties": false,
        "properties": { "sid": string, "socket_id": string, "reason": string, "after_ms": { "type": "number" } },
    });
    json!({
        "Push": {
            "description": "a message of a live connection",
            "oneOf": [
                complete(json!({ "type": kind("hello"), "socket_id": string, "sid": string, "deadline": { "type": "integer" } })),
                complete(json!({ "type": kind("close"), "code": { "type": "integer" }, "reason": string })),
                complete(json!({ "type": kind("sessions") })),
                complete(json!({ "type": kind("event"), "action": string, "sid": string, "revoked": { "type": "integer" } })),
                complete(json!({ "type": kind("closed"), "sockets": { "type": "array", "items": closed },
                    "count": { "type": "integer" } })),
            ],
        },
    })
}

fn others() -> Value {
    let string = json!({ "type": "string" });
    let codes: Vec<&str> = ServerCode::ALL
        .iter()
        .map(|code| code.as_str())
        .chain(Code::ALL.iter().map(|code| code.as_str()))
        .collect();
    let key = json!({
        "type": "object", "required": ["kty", "kid", "use"], "additionalProperties": false,
        "properties": {
            "kty": { "enum": ["OKP", "EC", "RSA"] }, "kid": string, "alg": string, "use": { "const": "sig" },
            "crv": string, "x": string, "y": string, "n": string, "e": string,
        },
    });
    let active = json!({
        "type": "object",
        "required": ["active", "token_type", "iss", "sub", "jti", "sid", "purpose", "iat", "exp"],
        "description": "extra claims of the token stand beside these",
        "properties": {
            "active": { "const": true }, "token_type": { "const": "Bearer" }, "iss": string, "sub": string,
            "jti": string, "sid": string, "purpose": string, "tenant": string,
            "iat": { "type": "integer" }, "exp": { "type": "integer" },
        },
    });
    json!({
        "Error": complete(json!({ "error": complete(json!({
            "code": { "type": "string", "enum": codes, "description": "stable" },
            "message": { "type": "string", "description": "for people; may change" },
        })) })),
        "OAuthError": complete(json!({
            "error": { "type": "string", "enum": [
                "invalid_request", "invalid_client", "unauthorized_client", "not_found", "slow_down",
                "temporarily_unavailable", "server_error",
            ] },
            "error_description": string,
        })),
        "PublicKeys": complete(json!({ "keys": { "type": "array", "items": key } })),
        "Introspection": { "oneOf": [active, complete(json!({ "active": { "const": false } }))] },
    })
}

/// The ways to authenticate.
pub(super) fn security() -> Value {
    json!({
        "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "the token of a sign-in" },
        "cookie": { "type": "apiKey", "in": "cookie", "name": "authkernel_session",
            "description": "set by a sign-in, sent from this server's own origin only; behind https its name is \
                            __Host-authkernel_session" },
        "ticket": { "type": "apiKey", "in": "query", "name": "ticket",
            "description": "from POST /api/socket-ticket, good once" },
        "token": { "type": "apiKey", "in": "query", "name": "token",
            "description": "the token of a sign-in: phoenix 1.7 has no other way. It is never logged" },
        "client": { "type": "http", "scheme": "basic",
            "description": "a client that `authkernel client` made, with its secret" },
    })
}
