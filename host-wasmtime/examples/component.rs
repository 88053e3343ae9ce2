//! The kernel as a component in wasmtime: limits, many calls at once, new keys without a pause, numbers for metrics.
//!
//! `cargo run --example component`

use std::time::{Duration, Instant};

use authkernel_wasmtime::broadcast::in_process::InProcess;
use authkernel_wasmtime::kernel::types::{Authenticate, Issue};
use authkernel_wasmtime::storage::memory::MemoryStorage;
use authkernel_wasmtime::{Authenticator, Limits};

const POLICY: &str = r#"{
    "issuer": "https://app.example",
    "audience": ["app"],
    "purposes": { "user": { "lifetime": "14d", "store": true, "presence": "required" } }
}"#;
const KEYS: &str = r#"{"keys": [
    {"kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE"}
]}"#;
/// The next key signs, the first one only verifies what it has signed.
const ROTATED: &str = r#"{"keys": [
    {"kty": "oct", "kid": "k2", "alg": "HS256", "k": "YW5vdGhlciBzZWNyZXQsIGFub3RoZXIgc2VjcmV0ISEhIQ"},
    {"kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE",
     "status": "retired"}
]}"#;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut limits = Limits::default();
    limits.import_time = Duration::from_secs(3);

    let started = Instant::now();
    let auth = Authenticator::builder()
        .policy(POLICY)
        .keys(KEYS)
        .storage(MemoryStorage::new())
        .broadcast(InProcess::new())
        .limits(limits)
        .build()
        .await?;
    println!("ready after {:?}", started.elapsed());

    let issue = Issue {
        subject: "user?id=42".into(),
        purpose: "user".into(),
        ..Issue::default()
    };
    let first = auth.issue(issue.clone()).await?;
    auth.replace(POLICY, ROTATED).await?;
    let second = auth.issue(issue).await?;
    println!(
        "signed with {}, then with {}",
        first.identity.kid, second.identity.kid
    );

    // A clone is cheap, and all of them share the instances.
    let started = Instant::now();
    let calls = [first, second]
        .into_iter()
        .cycle()
        .take(10_000)
        .map(|issued| {
            let auth = auth.clone();
            tokio::spawn(async move {
                let request = Authenticate {
                    token: issued.token,
                    purposes: vec!["user".into()],
                    tenant: None,
                };
                auth.authenticate(request).await
            })
        });
    for call in calls.collect::<Vec<_>>() {
        // Beyond the instances and the queue, calls are refused as `overloaded`.
        if let Err(refused) = call.await? {
            println!("refused: {refused}");
            break;
        }
    }
    println!("10000 calls in {:?}", started.elapsed());
    println!("{:?}", auth.statistics());

    auth.close().await;
    Ok(())
}
