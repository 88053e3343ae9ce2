//! The routes, one file each.

mod credentials;
mod health;
mod jwks;
mod live;
mod me;
mod metrics;
mod oauth;
mod phoenix;
mod register;
mod report;
mod session;
mod sessions;
mod sign_in;
mod sign_out_everywhere;
mod socket_ticket;
mod subjects;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};

use super::error::{Refusal, ServerCode};
use super::state::App;
use super::{observe, page};

/// Everything that the server answers.
pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/api/register", post(register::register))
        .route("/api/sign-in", post(sign_in::sign_in))
        .route("/api/me", get(me::me))
        .route("/api/sessions", get(sessions::list))
        .route("/api/sessions/{sid}", delete(sessions::end))
        .route("/api/session", delete(session::end))
        .route(
            "/api/sign-out-everywhere",
            post(sign_out_everywhere::sign_out_everywhere),
        )
        .route("/api/password", post(credentials::password))
        .route("/api/email", post(credentials::email))
        .route("/api/socket-ticket", post(socket_ticket::give))
        .route("/live", get(live::socket))
        .route("/live/events", get(live::events))
        .route("/socket/websocket", get(phoenix::socket))
        .route("/.well-known/jwks.json", get(jwks::jwks))
        .route("/oauth/revoke", post(oauth::revoke))
        .route("/oauth/introspect", post(oauth::introspect))
        .route(
            "/admin/subjects/{subject}/sign-out",
            post(subjects::sign_out),
        )
        .route("/healthz", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .merge(page::routes())
        .fallback(async || Refusal::from(ServerCode::NotFound))
        .method_not_allowed_fallback(async || Refusal::from(ServerCode::MethodNotAllowed))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}
