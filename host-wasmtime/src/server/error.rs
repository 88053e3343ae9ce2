//! Every refusal of the server: a status, a stable code, and a message that says what to do.

use std::borrow::Cow;

use authkernel::ports::StorageError;
use authkernel::{Code, Error, Kind};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// A request that is refused. Answered as `{"error": {"code", "message"}}`.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    retry_after: Option<u64>,
}

impl Refusal {
    /// A refusal that says more than its code does. The message must hold no secret.
    pub(crate) fn with(code: ServerCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            ..Self::from(code)
        }
    }

    /// Too many tries: when the next one may be made, in seconds.
    pub(crate) fn rate_limited(seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds.max(1)),
            ..Self::from(ServerCode::RateLimited)
        }
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What to do about it.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// When to try again, in seconds, where that is known.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }
}

impl From<ServerCode> for Refusal {
    fn from(code: ServerCode) -> Self {
        Self {
            status: code.status(),
            code: code.as_str(),
            message: Cow::Borrowed(code.describe()),
            retry_after: None,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let code = error.code();
        Self {
            status: status(code.kind()),
            code: code.as_str(),
            message: Cow::Owned(error.message().to_owned()),
            retry_after: matches!(code.kind(), Kind::Unavailable).then_some(1),
        }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Error::new(code).into()
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        if let StorageError::Unavailable(text) | StorageError::Other(text) = &error {
            tracing::error!(error = %text, "account storage failed");
        }
        Error::from(error).into()
    }
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Denied => StatusCode::UNAUTHORIZED,
        Kind::Input => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Configuration | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(RefusalCode(self.code));
        response
    }
}

/// The code of a refusal, left in the response for the request log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefusalCode(pub(crate) &'static str);

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:ident, $message:literal;)*) => {
        /// The codes that only the server has; all others are the kernel's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ServerCode {
            $($(#[$doc])* $variant,)*
        }

        impl ServerCode {
            /// Every code, in the order of the list.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable text of the code.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status that it is answered with.
            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// What to do about it.
            pub(crate) const fn describe(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
        }
    };
}

codes! {
    // The request
    /// No such route.
    NotFound = "not_found", NOT_FOUND, "no such route";
    /// The route has other methods.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "the route does not have this method: see the header allow";
    /// The body is not UTF-8, not JSON, too deep, or not of the shape that the route takes.
    BodyInvalid = "body_invalid", BAD_REQUEST, "the body is not the json that this route takes";
    /// The body is larger than the route takes.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "the body is larger than this server takes";
    /// The body is not declared as JSON.
    ContentTypeInvalid = "content_type_invalid", UNSUPPORTED_MEDIA_TYPE, "send the header content-type: application/json";
    /// A query string is not of the shape that the route takes.
    QueryInvalid = "query_invalid", BAD_REQUEST, "the query string is not what this route takes";
    /// The request took longer than a request may.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "the request took too long: send it again";
    /// The route speaks the WebSocket protocol.
    UpgradeRequired = "upgrade_required", UPGRADE_REQUIRED, "this route speaks the websocket protocol: send an upgrade request";
    /// Too many tries.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "too many tries: wait as the header retry-after says";
    /// The server is about to stop.
    Stopping = "stopping", SERVICE_UNAVAILABLE, "the server is about to stop: try again";
    // The credential
    /// A browser sent the request from another site.
    OriginRefused = "origin_refused", FORBIDDEN, "the request comes from another origin: a server behind a proxy needs --public-url";
    /// No credential was sent.
    CredentialMissing = "credential_missing", UNAUTHORIZED, "send a token: authorization: Bearer, or the cookie of a sign-in";
    /// More than one credential of a kind was sent.
    CredentialAmbiguous = "credential_ambiguous", UNAUTHORIZED, "several authorization headers or session cookies were sent: send one";
    /// The `Authorization` header is not a bearer token.
    AuthorizationInvalid = "authorization_invalid", UNAUTHORIZED, "the authorization header must be: Bearer, a space, and the token";
    /// The ticket is unknown, used, or expired.
    TicketInvalid = "ticket_invalid", UNAUTHORIZED, "the ticket is unknown, used or older than 30 s: ask for a new one";
    // Accounts
    /// E-mail or password is wrong; which of them is not said.
    CredentialsInvalid = "credentials_invalid", UNAUTHORIZED, "the e-mail or the password is wrong";
    /// The current password that a change asks for is wrong.
    PasswordWrong = "password_wrong", FORBIDDEN, "the current password is wrong";
    /// The password cannot be used.
    PasswordWeak = "password_weak", UNPROCESSABLE_ENTITY, "choose a password of at least 8 characters and at most 1024 bytes that is not your e-mail address";
    /// The e-mail address cannot be used.
    EmailInvalid = "email_invalid", UNPROCESSABLE_ENTITY, "this is not an e-mail address: ascii only, name@domain, at most 254 characters";
    /// Somebody has this e-mail address already.
    EmailTaken = "email_taken", CONFLICT, "there is an account with this e-mail address: sign in";
    /// Two changes met; this one lost and changed nothing.
    AccountChanged = "account_changed", CONFLICT, "the account was changed meanwhile: look at it and try again";
    // The server
    /// A defect.
    Internal = "internal", INTERNAL_SERVER_ERROR, "the server failed: see its log";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_not_the_kernels() {
        let mut seen = std::collections::HashSet::new();
        for code in ServerCode::ALL {
            assert!(
                seen.insert(code.as_str()),
                "{} is there twice",
                code.as_str()
            );
            assert!(
                Code::parse(code.as_str()).is_none(),
                "{} is the kernel's",
                code.as_str()
            );
            assert!(!code.describe().ends_with('.'));
        }
    }

    #[test]
    fn kernel_errors_keep_code_and_message_and_get_a_status() {
        let refusal = Refusal::from(Error::new(Code::StorageUnavailable));
        assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refusal.code(), "storage_unavailable");
        let response = refusal.into_response();
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        let response = Refusal::from(Code::TokenRevoked).into_response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }
}
