//! The routes, one file each.

mod credentials;
mod health;
mod jwks;
mod live;
mod me;
mod metrics;
mod oauth;
mod openapi;
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
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{self, MethodRouter};

use super::error::{Refusal, ServerCode};
use super::state::App;
use super::{observe, page};

/// A method of a path, and what answers it.
struct Route {
    /// For the comparison with the document; the handler knows it, too, and does not tell.
    #[cfg_attr(not(test), expect(dead_code))]
    method: &'static str,
    path: &'static str,
    handler: MethodRouter<App>,
}

fn get<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route {
        method: "get",
        path,
        handler: routing::get(handler),
    }
}

fn post<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route {
        method: "post",
        path,
        handler: routing::post(handler),
    }
}

fn delete<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route {
        method: "delete",
        path,
        handler: routing::delete(handler),
    }
}

/// Every route. `openapi/` describes each of them.
fn routes() -> Vec<Route> {
    vec![
        post("/api/register", register::register),
        post("/api/sign-in", sign_in::sign_in),
        get("/api/me", me::me),
        get("/api/sessions", sessions::list),
        delete("/api/sessions/{sid}", sessions::end),
        delete("/api/session", session::end),
        post(
            "/api/sign-out-everywhere",
            sign_out_everywhere::sign_out_everywhere,
        ),
        post("/api/password", credentials::password),
        post("/api/email", credentials::email),
        post("/api/socket-ticket", socket_ticket::give),
        get("/live", live::socket),
        get("/live/events", live::events),
        get("/socket/websocket", phoenix::socket),
        get("/.well-known/jwks.json", jwks::jwks),
        post("/oauth/revoke", oauth::revoke),
        post("/oauth/introspect", oauth::introspect),
        post("/admin/subjects/{subject}/sign-out", subjects::sign_out),
        get("/healthz", health::health),
        get("/metrics", metrics::metrics),
        get("/openapi.json", openapi::openapi),
        get("/", page::index),
        get("/assets/{name}", page::asset),
    ]
}

/// Everything that the server answers.
pub(super) fn router(app: App) -> Router {
    routes()
        .into_iter()
        .fold(Router::new(), |router, route| {
            router.route(route.path, route.handler)
        })
        .fallback(async || Refusal::from(ServerCode::NotFound))
        .method_not_allowed_fallback(async || Refusal::from(ServerCode::MethodNotAllowed))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let routes: BTreeSet<_> = routes()
            .iter()
            .map(|route| (route.method.to_owned(), route.path.to_owned()))
            .collect();
        let described: BTreeSet<_> = super::super::openapi::described().into_iter().collect();
        assert_eq!(routes, described);
    }
}
