//! A server as many write it: it verifies a token with `jsonwebtoken`, looks into a table, and answers.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Value, json};

/// Tokens of others in the table.
const OTHERS: usize = 10_000;

#[derive(Deserialize)]
struct Claims {
    sub: String,
    jti: String,
    sid: String,
    iat: u64,
    exp: u64,
    purpose: String,
}

struct Peer {
    key: DecodingKey,
    validation: Validation,
    /// Subject by `jti`.
    live: HashMap<String, String>,
}

/// Serves until it is killed. The second argument is a file with `{"key": JWK, "subject", "jtis": […]}`.
pub(crate) fn serve(arguments: &[String]) -> Result<()> {
    let [address, file] = arguments else {
        anyhow::bail!("an address and a file are needed");
    };
    let given: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let key = &given["key"];
    let (algorithm, decoding) = match key["kty"].as_str() {
        Some("oct") => {
            let secret = text(&key["k"]).replace('-', "+").replace('_', "/") + "=";
            (Algorithm::HS256, DecodingKey::from_base64_secret(&secret)?)
        }
        _ => (
            Algorithm::EdDSA,
            DecodingKey::from_ed_components(&text(&key["x"]))?,
        ),
    };
    let mut validation = Validation::new(algorithm);
    validation.validate_nbf = true;
    validation.set_issuer(&["authkernel"]);
    validation.set_audience(&["authkernel"]);
    let mut live: HashMap<_, _> = (0..OTHERS)
        .map(|number| (format!("{number:026}"), format!("user-{number}")))
        .collect();
    let jtis = given["jtis"].as_array().context("tokens are named")?;
    live.extend(jtis.iter().map(|jti| (text(jti), text(&given["subject"]))));
    let peer = Peer {
        key: decoding,
        validation,
        live,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .context("no free port")?;
        println!("listening on http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/api/me", get(me))
            .with_state(Arc::new(peer));
        Ok(axum::serve(listener, router).await?)
    })
}

async fn me(State(peer): State<Arc<Peer>>, headers: HeaderMap) -> Response {
    let authorization = headers.get(header::AUTHORIZATION);
    let token = authorization
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let claims = token.and_then(|token| {
        let decoded = jsonwebtoken::decode::<Claims>(token, &peer.key, &peer.validation);
        decoded.ok().map(|decoded| decoded.claims)
    });
    let known = claims.filter(|claims| peer.live.get(&claims.jti) == Some(&claims.sub));
    match known {
        Some(claims) => axum::Json(json!({
            "subject": claims.sub, "sid": claims.sid, "jti": claims.jti, "purpose": claims.purpose,
            "issued_at": claims.iat, "expires_at": claims.exp,
        }))
        .into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}
