//! Passwords, certificates, and who may speak at all.

use std::path::Path;
use std::process::Command;

use authkernel::ports::Broadcast;
use authkernel_tests::services::free_port;
use authkernel_tests::services::nats::Nats;
use authkernel_tests::services::postgres::Postgres;
use authkernel_tests::services::redis::Redis;
use authkernel_wasmtime::broadcast::nats::NatsBroadcast;
use authkernel_wasmtime::broadcast::postgres::PostgresBroadcast;
use authkernel_wasmtime::broadcast::redis::RedisBroadcast;

use crate::brokers::*;

const SECRET: &str = "s3cret/with:@signs";
const ENCODED: &str = "s3cret%2Fwith%3A%40signs";

/// The right password lets in, the wrong one does not, and neither is shown.
async fn lets_in_by_password<A: Adapter>(right: &str) {
    let adapter = A::open(right, patient()).await.expect("the right password");
    let mut subscription = adapter.listen().await.unwrap();
    assert!(all_taken(&adapter.publish(disconnects(1)).await));
    assert_eq!(hear(&mut subscription, 1).await, disconnects(1));
    let wrong = right.replace("s3cret", "wr0ng");
    let error = A::open(&wrong, patient())
        .await
        .expect_err("the wrong password");
    println!("{error}");
    for text in [format!("{adapter:?}"), format!("{error} {error:?}")] {
        for secret in [SECRET, "s3cret", "wr0ng"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_lets_in_by_password() {
    if let Some(server) = Redis::start(&["--requirepass", SECRET]) {
        let url = format!("redis://default:{ENCODED}@{}", server.address());
        lets_in_by_password::<RedisBroadcast>(&url).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_lets_in_by_password_and_by_token() {
    if let Some(server) = Nats::start(&["--user", "anna", "--pass", SECRET]) {
        let url = format!("nats://anna:{ENCODED}@{}", server.address());
        lets_in_by_password::<NatsBroadcast>(&url).await;
    }
    if let Some(server) = Nats::start(&["--auth", SECRET]) {
        let url = format!("nats://{ENCODED}@{}", server.address());
        lets_in_by_password::<NatsBroadcast>(&url).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_lets_in_by_password() {
    let Some(mut server) = Postgres::start(&[]) else {
        return;
    };
    server.execute(&format!("CREATE ROLE anna LOGIN PASSWORD '{SECRET}'"));
    let rules = server.folder().join("data/pg_hba.conf");
    std::fs::write(
        rules,
        "host all test all trust\nhost all all all scram-sha-256\n",
    )
    .unwrap();
    server.stop();
    server.start_again();
    let url = format!("postgres://anna:{ENCODED}@{}/postgres", server.address());
    lets_in_by_password::<PostgresBroadcast>(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_replica_is_refused() {
    let Some(primary) = Redis::begin() else {
        return;
    };
    let port = primary.port().to_string();
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &port]).unwrap();
    let error = RedisBroadcast::connect(&replica.url())
        .await
        .expect_err("a replica");
    assert!(error.to_string().contains("replica"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_speak_on_nats_is_told_when_connecting() {
    let users = r#"authorization { users: [
        { user: "a", password: "a", permissions: { publish: { deny: ["authkernel.>"] } } }
        { user: "b", password: "b", permissions: { subscribe: { deny: ["authkernel.>"] } } }
        { user: "c", password: "c", permissions: { publish: "authkernel.messages", subscribe: "authkernel.messages" } }
    ] }"#;
    let Some(server) = Nats::configured(users, &[]) else {
        return;
    };
    let url = |user: &str| format!("nats://{user}:{user}@{}", server.address());
    for user in ["a", "b"] {
        let refused = NatsBroadcast::connect_with(&url(user), impatient()).await;
        assert!(refused.is_err(), "{user}: {refused:?}");
    }
    let adapter = NatsBroadcast::connect(&url("c"))
        .await
        .expect("all that is needed");
    assert!(all_taken(&adapter.publish(disconnects(1)).await));
}

/// Under which this program is another process, which believes the certificate.
const BELIEVER: &str = "AUTHKERNEL_TEST_BELIEVER";

/// Whether TLS works where the certificate is believed, and is refused where it is not.
async fn speaks_tls<A: Adapter>(test: &str, url: &str, certificate: &Path) {
    let refused = A::open(url, impatient()).await;
    assert!(refused.is_err(), "a certificate of nobody was believed");
    let believer = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(BELIEVER, url)
        .env("SSL_CERT_FILE", certificate)
        .output();
    let out = believer.unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.success() && text.contains("1 passed"),
        "{text}\n{error}"
    );
}

/// In the other process: connects, and says whether it is one.
async fn believes<A: Adapter>() -> bool {
    let Ok(url) = std::env::var(BELIEVER) else {
        return false;
    };
    let adapter = A::open(&url, patient())
        .await
        .expect("a certificate that is believed");
    let mut subscription = adapter.listen().await.unwrap();
    assert!(all_taken(&adapter.publish(disconnects(1)).await));
    assert_eq!(hear(&mut subscription, 1).await, disconnects(1));
    true
}

/// A certificate for `localhost`, and its key, as files.
fn certificate(folder: &Path) -> [String; 2] {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = [
        ("cert.pem", made.cert.pem()),
        ("key.pem", made.signing_key.serialize_pem()),
    ];
    files.map(|(name, text)| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_speaks_tls() {
    if believes::<RedisBroadcast>().await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [cert, key] = certificate(folder.path());
    let port = free_port().to_string();
    let settings = [
        ["--tls-port", &port],
        ["--tls-cert-file", &cert],
        ["--tls-key-file", &key],
        ["--tls-auth-clients", "no"],
    ];
    if let Some(_server) = Redis::start(&settings.concat()) {
        let url = format!("rediss://localhost:{port}");
        speaks_tls::<RedisBroadcast>("secrets::redis_speaks_tls", &url, cert.as_ref()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_speaks_tls() {
    if believes::<NatsBroadcast>().await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [cert, key] = certificate(folder.path());
    if let Some(server) = Nats::start(&["--tls", "--tlscert", &cert, "--tlskey", &key]) {
        let url = format!("tls://localhost:{}", server.port());
        speaks_tls::<NatsBroadcast>("secrets::nats_speaks_tls", &url, cert.as_ref()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_speaks_tls() {
    if believes::<PostgresBroadcast>().await {
        return;
    }
    let Some(mut server) = Postgres::start(&[]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let [cert, key] = certificate(folder.path());
    server.own_file("server.crt", cert.as_ref());
    server.own_file("server.key", key.as_ref());
    server.execute("ALTER SYSTEM SET ssl = on");
    server.stop();
    server.start_again();
    let url = format!(
        "postgres://test@localhost:{}/postgres?sslmode=verify-full",
        server.port()
    );
    speaks_tls::<PostgresBroadcast>("secrets::postgres_speaks_tls", &url, cert.as_ref()).await;
}
