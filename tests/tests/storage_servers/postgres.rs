//! PostgreSQL.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use authkernel::ports::{Storage, StorageError};
use authkernel::record::Touch;
use authkernel::testing::contract::fixtures::{
    NOW, is_live, open, opening, record, stored, stored_session,
};
use authkernel_tests::services::free_port;
use authkernel_tests::services::postgres::{FAST, Postgres};
use authkernel_wasmtime::storage::postgres::{OpenError, PostgresStorage, SchemaVersion};
use rustix::process::{Pid, Signal, kill_process};

use super::{
    PATIENCE, calls_may_be_given_up, everything_is_unavailable, is_back, is_gone, is_unavailable,
    many_callers_are_served,
};

async fn connected(url: &str) -> PostgresStorage {
    PostgresStorage::connect(url).await.expect("a database")
}

#[tokio::test]
async fn a_server_that_stops_is_unavailable_until_it_is_back() {
    let Some(mut server) = Postgres::start(&FAST) else {
        return;
    };
    let storage = connected(&server.create_database()).await;
    open(&storage, record("anna", "s1", "t1")).await;
    for kill in [false, true] {
        if kill {
            server.kill();
        } else {
            server.stop();
        }
        is_gone(&storage).await;
        everything_is_unavailable(&storage, "t1").await;
        assert!(is_unavailable(&storage.ping().await));
        server.start_again();
        is_back(&storage, "t1", if kill { "killed" } else { "stopped" }).await;
        storage.ping().await.expect("it is there");
        // What was refused while it was away was not done later.
        assert_eq!(stored(&storage, None, "gone").await, None);
    }
    assert!(is_live(&storage, "stopped").await);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let Some(server) = Postgres::start(&FAST) else {
        return;
    };
    let settings = PostgresStorage::settings()
        .connections(2)
        .connection_timeout(Duration::from_millis(500))
        .statement_timeout(Duration::from_millis(200));
    let storage = settings.connect(&server.create_database()).await;
    let storage = storage.expect("a database");
    open(&storage, record("anna", "s1", "t1")).await;
    let client = storage.client().await.expect("a connection");
    let backends = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()";
    let backends = client.query(backends, &[]).await.expect("processes");
    drop(client);
    let signal = |signal| {
        for row in &backends {
            let process = Pid::from_raw(row.get(0)).expect("a process");
            // One whose connection was given up is gone.
            let _ = kill_process(process, signal);
        }
    };
    // Neither the processes of the connections nor the one that would make others.
    signal(Signal::STOP);
    server.pause();
    let began = Instant::now();
    everything_is_unavailable(&storage, "t1").await;
    let waited = began.elapsed();
    signal(Signal::CONT);
    server.resume();
    assert!(waited < Duration::from_secs(20), "{waited:?}");
    is_back(&storage, "t1", "t2").await;
}

#[tokio::test]
async fn a_row_that_stays_locked_is_unavailable_and_nothing_is_written() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let settings = PostgresStorage::settings().statement_timeout(Duration::from_millis(200));
    let storage = settings.connect(&server.create_database()).await;
    let storage = storage.expect("a database");
    open(&storage, record("anna", "s1", "t1")).await;
    let client = storage.client().await.expect("a connection");
    let lock = "BEGIN; SELECT * FROM authkernel.subjects FOR UPDATE";
    client.batch_execute(lock).await.expect("the row");
    let late = storage.insert(opening(record("anna", "s2", "t2"))).await;
    assert!(is_unavailable(&late), "{late:?}");
    // Look-ups wait for nobody, and nor do other subjects.
    assert!(is_live(&storage, "t1").await);
    open(&storage, record("bob", "s3", "t3")).await;
    client.batch_execute("ROLLBACK").await.expect("it ends");
    assert_eq!(stored(&storage, None, "t2").await, None);
    open(&storage, record("anna", "s2", "t2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_pool_serves_many_callers() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let settings = PostgresStorage::settings()
        .connections(2)
        .connection_timeout(Duration::from_secs(60))
        .statement_timeout(Duration::from_secs(60));
    let storage = settings.connect(&server.create_database()).await;
    let storage = storage.expect("a database");
    many_callers_are_served(&storage).await;
    calls_may_be_given_up(&storage).await;
    assert!(storage.pool().status().size <= 2);
}

#[tokio::test]
async fn all_connections_in_use_is_unavailable() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let settings = PostgresStorage::settings()
        .connections(1)
        .connection_timeout(Duration::from_secs(2));
    let storage = settings.connect(&server.create_database()).await;
    let storage = storage.expect("a database");
    let taken = storage.client().await.expect("the only one");
    everything_is_unavailable(&storage, "t1").await;
    drop(taken);
    open(&storage, record("anna", "s1", "t1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_migrate_at_once() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let url = server.create_database();
    let before = PostgresStorage::schema_version(&url).await;
    let before = before.expect("an empty database");
    assert_eq!(before.found, 0);
    let error = PostgresStorage::connect_without_migrating(&url).await;
    let error = error.expect_err("it has no schema");
    assert!(
        matches!(error, OpenError::SchemaOlder { found: 0, .. }),
        "{error:?}"
    );

    let all: Vec<_> = (0..6)
        .map(|number| {
            let url = url.clone();
            tokio::spawn(async move {
                let storage = connected(&url).await;
                let name = format!("s{number}");
                open(&storage, record("anna", &name, &name)).await;
            })
        })
        .collect();
    for one in all {
        one.await.expect("it migrates, or finds it done");
    }
    let after = PostgresStorage::schema_version(&url).await;
    let SchemaVersion { found, known } = after.expect("a migrated database");
    assert_eq!(found, known);
    let storage = PostgresStorage::connect_without_migrating(&url).await;
    let storage = storage.expect("it is up to date");
    assert!(is_live(&storage, "s5").await);
    let client = storage.client().await.expect("a connection");
    let rows = client
        .query("SELECT version FROM authkernel.migrations", &[])
        .await;
    assert_eq!(rows.expect("the table").len(), known as usize);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let url = server.create_database();
    let storage = connected(&url).await;
    let client = storage.client().await.expect("a connection");
    let newer = "INSERT INTO authkernel.migrations (version) VALUES (99)";
    client.batch_execute(newer).await.expect("a version");
    for error in [
        PostgresStorage::connect(&url).await,
        PostgresStorage::connect_without_migrating(&url).await,
    ] {
        let error = error.expect_err("it is newer");
        assert!(
            matches!(error, OpenError::SchemaNewer { found: 99, .. }),
            "{error:?}"
        );
    }
    assert!(
        PostgresStorage::schema_version(&url)
            .await
            .expect("a version")
            .is_newer()
    );
}

#[tokio::test]
async fn what_cannot_be_connected_to_is_refused_without_the_password() {
    let nobody = free_port();
    let url = format!("postgres://anna:secret@127.0.0.1:{nobody}/auth");
    let error = PostgresStorage::connect(&url)
        .await
        .expect_err("nobody listens");
    assert!(matches!(error, OpenError::Connect(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret"));

    let Some(server) = Postgres::shared() else {
        return;
    };
    let address = server.address();
    let url = format!("postgres://test:secret@{address}/missing");
    let error = PostgresStorage::connect(&url)
        .await
        .expect_err("no such database");
    assert!(error.to_string().contains("does not exist"), "{error}");
    assert!(!format!("{error} {error:?}").contains("secret"));

    let url = server.create_database().replace("test@", "test:secret@");
    let storage = connected(&url).await;
    assert!(!format!("{storage:?}").contains("secret"));
    // A server without TLS is not spoken to in clear by those who ask for TLS.
    let error = PostgresStorage::connect(&format!("{url}?sslmode=verify-full")).await;
    let error = error.expect_err("it has no certificate");
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[tokio::test]
async fn texts_that_postgresql_cannot_store_are_stored_as_javascript_does() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let storage = connected(&server.create_database()).await;
    let mut odd = record("an\0na", "s\u{1}\u{1}", "t\0\u{1}\\u0000");
    odd.tenant = Some("\0".into());
    odd.extra_data = Some("{\"a\":\"\\u0000\"}".into());
    let odd = open(&storage, odd).await;
    assert_eq!(stored(&storage, Some("\0"), &odd.jti).await, Some(odd));
    let client = storage.client().await.expect("a connection");
    let row = client.query_one(
        "SELECT subject, sid, jti, extra_data FROM authkernel.records",
        &[],
    );
    let row = row.await.expect("its row");
    let columns: [String; 4] = [row.get(0), row.get(1), row.get(2), row.get(3)];
    let expected = [
        "an\u{1}\u{1}na",
        "s\u{1}\u{2}\u{1}\u{2}",
        "t\u{1}\u{1}\u{1}\u{2}\\u0000",
        "{\"a\":\"\\u0000\"}",
    ];
    assert_eq!(columns, expected);
}

#[tokio::test]
async fn what_was_noted_is_written_before_the_end() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let url = server.create_database();
    let storage = connected(&url).await;
    open(&storage, record("anna", "s1", "t1")).await;
    let touch = Touch {
        tenant: None,
        sid: "s1".into(),
        at: NOW + 9,
    };
    storage.touch(touch).await.expect("it is noted");
    storage.close().await;
    everything_is_unavailable(&storage, "t1").await;
    let storage = connected(&url).await;
    let session = stored_session(&storage, None, "s1").await;
    assert_eq!(session.expect("a session").last_seen, NOW + 9);
}

#[tokio::test]
async fn a_server_that_may_forget_says_so() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let storage = connected(&server.create_database()).await;
    let durability = storage.durability().await.expect("its settings");
    assert!(!durability.is_safe());
    assert!(
        durability.warnings()[0].contains("fsync off"),
        "{durability:?}"
    );
}

#[tokio::test]
async fn a_missing_schema_is_an_error_and_never_nothing_found() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let storage = connected(&server.create_database()).await;
    let client = storage.client().await.expect("a connection");
    client
        .batch_execute("DROP SCHEMA authkernel CASCADE")
        .await
        .expect("it is gone");
    let found = storage.find(super::of_token("t1")).await;
    assert!(matches!(found, Err(StorageError::Other(_))), "{found:?}");
}

/// Gives the server a certificate for 127.0.0.1 that nobody vouches for; answers the file with it.
async fn with_certificate(server: &Postgres) -> PathBuf {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
    let rcgen::CertifiedKey { cert, signing_key } = made.expect("a certificate");
    let [certificate, key] = ["server.crt", "server.key"].map(|name| server.folder().join(name));
    std::fs::write(&certificate, cert.pem()).expect("a file");
    std::fs::write(&key, signing_key.serialize_pem()).expect("a file");
    // The server takes a key only when nobody else can read it.
    let owner = std::fs::metadata(server.folder()).expect("its folder");
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("its rights");
    std::os::unix::fs::chown(&key, Some(owner.uid()), Some(owner.gid())).expect("its owner");
    let storage = connected(&server.create_database()).await;
    let client = storage.client().await.expect("a connection");
    for statement in [
        format!(
            "ALTER SYSTEM SET ssl_cert_file = '{}'",
            certificate.display()
        ),
        format!("ALTER SYSTEM SET ssl_key_file = '{}'", key.display()),
        "ALTER SYSTEM SET ssl = on".to_owned(),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        client.batch_execute(&statement).await.expect("a setting");
    }
    certificate
}

async fn is_encrypted(storage: &PostgresStorage) -> bool {
    let client = storage.client().await.expect("a connection");
    let asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = client.query_one(asked, &[]).await;
    row.expect("its row").get(0)
}

#[tokio::test]
async fn certificates_are_checked_by_those_who_ask_for_it() {
    let Some(server) = Postgres::start(&FAST) else {
        return;
    };
    let url = server.create_database();
    assert!(!is_encrypted(&connected(&url).await).await);
    let certificate = with_certificate(&server).await;
    let certificate = certificate.to_str().expect("a name in utf-8");

    // Encrypted as soon as the server can; not when the address says so.
    let began = Instant::now();
    while !is_encrypted(&connected(&url).await).await {
        assert!(began.elapsed() < PATIENCE, "it has no certificate");
    }
    let plain = connected(&format!("{url}?sslmode=disable")).await;
    assert!(!is_encrypted(&plain).await);

    // Nobody of the system vouches for it.
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = PostgresStorage::connect(&format!("{url}?sslmode={mode}")).await;
        let error = error.expect_err("nobody vouches for it");
        let refused = matches!(error, OpenError::Connect(_) | OpenError::Certificates(_));
        assert!(refused, "{mode}: {error:?}");
    }
    // This file does, for this host and no other.
    let trusting = format!("{url}?sslmode=verify-full&sslrootcert={certificate}");
    assert!(is_encrypted(&connected(&trusting).await).await);
    let elsewhere = trusting.replace("@127.0.0.1:", "@localhost:");
    let error = PostgresStorage::connect(&elsewhere).await;
    let error = error.expect_err("the certificate is another host's");
    assert!(error.to_string().contains("certificate"), "{error}");
    let missing = format!("{url}?sslmode=require&sslrootcert={certificate}.missing");
    let error = PostgresStorage::connect(&missing).await;
    let error = error.expect_err("there is no such file");
    assert!(
        matches!(error, OpenError::CertificateFile { .. }),
        "{error:?}"
    );
}
