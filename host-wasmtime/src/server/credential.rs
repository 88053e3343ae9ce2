//! Which credential a request carries, and who that is.

use authkernel::types::{Authenticate, Identity};
use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use http::{HeaderMap, header};

use super::cookie;
use super::error::{Refusal, ServerCode};
use super::policy::SESSION_PURPOSE;
use super::state::App;

/// What a request presents.
///
/// Where an `Authorization` header is present only it counts: a bad one is never replaced by the cookie.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A token in the `Authorization` header.
    Bearer(String),
    /// A token in the session cookie, sent from this server's own origin as far as a browser says.
    Cookie(String),
}

impl Credential {
    /// The credential of a request; a cookie only from the same origin.
    pub(crate) fn of(headers: &HeaderMap, app: &App) -> Result<Self, Refusal> {
        let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
        if let Some(authorization) = authorizations.next() {
            if authorizations.next().is_some() {
                return Err(ServerCode::CredentialAmbiguous.into());
            }
            let token = authorization.to_str().ok().and_then(bearer);
            return token
                .map(|token| Self::Bearer(token.to_owned()))
                .ok_or_else(|| ServerCode::AuthorizationInvalid.into());
        }
        match cookie::values(headers, app.is_secure()).as_slice() {
            [] => Err(ServerCode::CredentialMissing.into()),
            [token] => {
                app.require_same_origin(headers)?;
                Ok(Self::Cookie((*token).to_owned()))
            }
            _ => Err(ServerCode::CredentialAmbiguous.into()),
        }
    }

    /// The token.
    pub(crate) fn token(&self) -> &str {
        match self {
            Self::Bearer(token) | Self::Cookie(token) => token,
        }
    }

    /// Whether the browser keeps it as a cookie.
    pub(crate) fn is_cookie(&self) -> bool {
        matches!(self, Self::Cookie(_))
    }
}

/// The token of `Bearer <token>`; the scheme in any case, one or more spaces (RFC 9110 section 11.4).
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim_matches(' ');
    let fits = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ');
    fits.then_some(token)
}

/// Who sends a request, after the kernel said that the token is good.
#[derive(Clone)]
pub(crate) struct Caller {
    /// Who.
    pub(crate) identity: Identity,
    /// With which credential.
    pub(crate) credential: Credential,
}

impl Caller {
    /// Whether the caller's token is still good: the caller may just have ended its own session.
    pub(crate) async fn is_live(&self, app: &App) -> bool {
        authenticate(app, self.credential.token()).await.is_ok()
    }
}

impl<S> FromRequestParts<S> for Caller
where
    App: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let app = App::from_ref(state);
        let credential = Credential::of(&parts.headers, &app)?;
        let identity = authenticate(&app, credential.token()).await?;
        Ok(Self {
            identity,
            credential,
        })
    }
}

/// Asks the kernel about the token of a session.
pub(crate) async fn authenticate(app: &App, token: &str) -> Result<Identity, Refusal> {
    let request = Authenticate {
        token: token.to_owned(),
        purposes: vec![SESSION_PURPOSE.to_owned()],
        tenant: None,
    };
    // Boxed: the future of a call is large, and every layer around a handler moves the handler's.
    Ok(Box::pin(app.auth.authenticate(request)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_are_taken() {
        assert_eq!(bearer("Bearer a.b.c"), Some("a.b.c"));
        assert_eq!(bearer("bearer  a.b.c"), Some("a.b.c"));
        for wrong in [
            "Basic dTpw",
            "Bearer",
            "Bearer ",
            "Bearera.b.c",
            "Bearer a b",
            "a.b.c",
        ] {
            assert_eq!(bearer(wrong), None, "{wrong}");
        }
    }
}
