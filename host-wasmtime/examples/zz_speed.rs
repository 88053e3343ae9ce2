use std::time::Instant;
use authkernel_wasmtime::broadcast::in_process::InProcess;
use authkernel_wasmtime::kernel::types::{Authenticate, Issue};
use authkernel_wasmtime::storage::memory::MemoryStorage;
use authkernel_wasmtime::{Authenticator, Engine};

const POLICY: &str = r#"{
    "issuer": "https://app.example",
    "audience": ["app"],
    "purposes": { "user": { "lifetime": "14d", "store": true, "presence": "required", "opens_sockets": true } },
    "live_socket_id_template": "users_sessions:{sid}",
    "endpoints": ["web"]
}"#;
const KEYS: &str = r#"{"keys": [
    {"kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE"}
]}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let claims: serde_json::Map<_, _> = serde_json::from_str(r#"{"role":"admin","plan":"pro"}"#)?;
    let mut auths = vec![];
    for engine in if std::env::args().nth(1).as_deref() == Some("c") { vec![Engine::Component] } else { vec![Engine::Native, Engine::Component] } {
        let auth = Authenticator::builder()
            .policy(POLICY).keys(KEYS)
            .storage(MemoryStorage::new()).broadcast(InProcess::new())
            .engine(engine).build().await?;
        auths.push((engine, auth));
    }
    for with in [std::env::args().nth(2).is_some()] {
    for round in 0..3 {
        for (engine, auth) in &auths {
            let token = auth.issue(Issue { subject: "user?id=42".into(), purpose: "user".into(),
                claims: with.then(|| claims.clone()), ..Issue::default() }).await?.token;
            let request = Authenticate { token, purposes: vec!["user".into()], tenant: None };
            for _ in 0..2000 { auth.authenticate(request.clone()).await?; }
            let n = 50_000;
            let t = Instant::now();
            for _ in 0..n { auth.authenticate(request.clone()).await?; }
            let per = t.elapsed() / n;
            let mut cases = vec![];
            let mut flipped = request.token.clone().into_bytes();
            let i = flipped.len() - 5;
            flipped[i] = if flipped[i] == b'a' { b'b' } else { b'a' };
            for (name, bad) in [
                ("malformed", Authenticate { token: "x".into(), ..request.clone() }),
                ("signature", Authenticate { token: String::from_utf8(flipped)?, ..request.clone() }),
                ("tenant", Authenticate { tenant: Some("x".into()), ..request.clone() }),
                ("full", request.clone()),
            ] {
                let t = Instant::now();
                let mut code = None;
                for _ in 0..n { code = auth.authenticate(bad.clone()).await.err().map(|e| e.code()); }
                cases.push((name, code, t.elapsed() / n));
            }
            println!("claims={with} {round} {engine:?} {per:?} {cases:?} len {}", request.token.len());
        }
    }}
    Ok(())
}
