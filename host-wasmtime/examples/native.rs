//! The kernel in process, without wasmtime: issue a token, use it, sign out, be refused.
//!
//! `cargo run --example native --features native`

use authkernel_wasmtime::broadcast::in_process::InProcess;
use authkernel_wasmtime::kernel::types::{Authenticate, Issue, Revoke, RevokeScope, RevokeTarget};
use authkernel_wasmtime::storage::memory::MemoryStorage;
use authkernel_wasmtime::{Authenticator, Engine};

const POLICY: &str = r#"{
    "issuer": "https://app.example",
    "audience": ["app"],
    "purposes": { "user": { "lifetime": "14d", "store": true, "presence": "required" } }
}"#;
const KEYS: &str = r#"{"keys": [
    {"kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE"}
]}"#;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let auth = Authenticator::builder()
        .policy(POLICY)
        .keys(KEYS)
        .storage(MemoryStorage::new())
        .broadcast(InProcess::new())
        .engine(Engine::Native)
        .build()
        .await?;

    let issued = auth
        .issue(Issue {
            subject: "user?id=42".into(),
            purpose: "user".into(),
            device: Some("a laptop".into()),
            ..Issue::default()
        })
        .await?;
    println!("issued a token of {} bytes", issued.token.len());

    let request = Authenticate {
        token: issued.token.clone(),
        purposes: vec!["user".into()],
        tenant: None,
    };
    let who = auth.authenticate(request.clone()).await?;
    println!("it is {}, session {}", who.subject, who.sid);

    auth.revoke(Revoke {
        target: RevokeTarget::Token(issued.token),
        scope: RevokeScope::Session,
        tenant: None,
        reason: None,
    })
    .await?;
    match auth.authenticate(request).await {
        Ok(who) => anyhow::bail!("{} is still signed in", who.subject),
        Err(refused) => println!("signed out: {refused}"),
    }
    Ok(())
}
