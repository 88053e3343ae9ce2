//! Refusals in OAuth's own format: `{"error", "error_description"}` (RFC 6749 section 5.2).

use std::borrow::Cow;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::error::{Refusal, RefusalCode};

/// A refusal to a client.
#[derive(Clone, Debug)]
pub(crate) struct OAuthError {
    status: StatusCode,
    error: &'static str,
    description: Cow<'static, str>,
    retry_after: Option<u64>,
    challenge: bool,
}

impl OAuthError {
    /// The request is not what the route takes.
    pub(crate) fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// Nobody is known by this name and secret. One that used the header, or nothing, is told how to.
    pub(crate) fn invalid_client(challenge: bool) -> Self {
        Self {
            challenge,
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "send the client's id and secret: http basic, or client_id and client_secret",
            )
        }
    }

    /// The client is known, and may not do this.
    pub(crate) fn unauthorized_client() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "unauthorized_client",
            "the client may not do this: see the member may of its entry",
        )
    }

    fn new(
        status: StatusCode,
        error: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            error,
            description: description.into(),
            retry_after: None,
            challenge: false,
        }
    }
}

/// A refusal of the server or the kernel, in this format.
impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> Self {
        let error = match refusal.status() {
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::TOO_MANY_REQUESTS => "slow_down",
            status if status == StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request",
        };
        Self {
            retry_after: refusal.retry_after(),
            ..Self::new(refusal.status(), error, refusal.message().to_owned())
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if self.challenge {
            let basic = HeaderValue::from_static("Basic realm=\"authkernel\", charset=\"UTF-8\"");
            headers.insert(header::WWW_AUTHENTICATE, basic);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(RefusalCode(self.error));
        response
    }
}
