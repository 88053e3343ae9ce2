//! TLS on the server's own port.

use std::path::PathBuf;
use std::sync::Arc;

use authkernel_tests::server::{PASSWORD, PATIENCE, Server, Setup};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::setup;

/// A certificate of its own, in the two files that the server is given.
struct Identity {
    certificate: CertificateDer<'static>,
    files: [PathBuf; 2],
}

fn identity(setup: &Setup) -> Identity {
    let files = ["tls.crt", "tls.key"].map(|name| setup.data().join(name));
    let certificate = renew(&files);
    Identity { certificate, files }
}

fn renew(files: &[PathBuf; 2]) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&files[0], cert.pem()).unwrap();
    std::fs::write(&files[1], signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

/// The same, with an end in so many days.
fn renew_until(files: &[PathBuf; 2], days: i64) -> CertificateDer<'static> {
    use chrono::Datelike;
    let end = (chrono::DateTime::UNIX_EPOCH
        + std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
        + chrono::Duration::days(days))
    .date_naive();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let (month, day) = (end.month() as u8, end.day() as u8);
    params.not_after = rcgen::date_time_ymd(end.year(), month, day);
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(&files[0], certificate.pem()).unwrap();
    std::fs::write(&files[1], key.serialize_pem()).unwrap();
    certificate.der().clone()
}

fn with_tls(setup: Setup, identity: &Identity) -> Setup {
    let [certificate, key] = &identity.files;
    setup
        .argument(format!("--tls-cert={}", certificate.display()))
        .argument(format!("--tls-key={}", key.display()))
}

async fn connect(
    server: &Server,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.address()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// Sends one request and answers with all that comes back.
async fn ask(server: &Server, trusted: &CertificateDer<'static>, head: &str, body: &str) -> String {
    let mut stream = connect(server, trusted).await.unwrap();
    let length = body.len();
    let text = format!(
        "{head}\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer));
    read.await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn requests_cookies_and_live_connections_come_over_tls() {
    let setup = setup();
    let identity = identity(&setup);
    let setup = with_tls(setup, &identity);
    let server = setup.start();
    let trusted = &identity.certificate;
    let account = json!({ "email": "a@example.com", "password": PASSWORD }).to_string();
    let answer = ask(&server, trusted, "POST /api/register HTTP/1.1", &account).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    // A browser says where its page comes from: over TLS that is https.
    let origin = "POST /api/sign-in HTTP/1.1\r\norigin: http://localhost";
    let answer = ask(&server, trusted, origin, &account).await;
    assert!(answer.contains("origin_refused"), "{answer}");
    let origin = "POST /api/sign-in HTTP/1.1\r\norigin: https://localhost";
    let answer = ask(&server, trusted, origin, &account).await;
    let cookie = answer
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .unwrap();
    assert!(cookie.starts_with("__Host-authkernel_session="), "{cookie}");
    assert!(
        cookie.contains("; Secure") && cookie.contains("; Path=/;"),
        "{cookie}"
    );
    let pair = cookie.split(';').next().unwrap();

    let mut request = "wss://localhost/live".into_client_request().unwrap();
    request
        .headers_mut()
        .insert("cookie", pair.parse().unwrap());
    let stream = connect(&server, trusted).await.unwrap();
    let (mut live, _) = tokio_tungstenite::client_async(request, stream)
        .await
        .unwrap();
    let me = ask(
        &server,
        trusted,
        &format!("GET /api/me HTTP/1.1\r\ncookie: {pair}"),
        "",
    )
    .await;
    assert!(me.starts_with("HTTP/1.1 200"), "{me}");
    // Without the prefix anybody beside this host could have set it.
    let bare = pair.trim_start_matches("__Host-");
    let me = ask(
        &server,
        trusted,
        &format!("GET /api/me HTTP/1.1\r\ncookie: {bare}"),
        "",
    )
    .await;
    assert!(me.contains("credential_missing"), "{me}");

    let out = format!("DELETE /api/session HTTP/1.1\r\ncookie: {pair}");
    ask(&server, trusted, &out, "").await;
    use futures_util::StreamExt;
    let closed = loop {
        let frame = tokio::time::timeout(PATIENCE, live.next()).await.unwrap();
        if let Some(Ok(tokio_tungstenite::tungstenite::Message::Close(Some(frame)))) = frame {
            break frame;
        }
    };
    assert_eq!(u16::from(closed.code), 4001);

    // Whoever speaks plain http to it, or nothing at all, holds up nobody.
    let _silent = TcpStream::connect(server.address()).await.unwrap();
    let mut plain = TcpStream::connect(server.address()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, plain.read_to_end(&mut said))
        .await
        .unwrap();
    assert!(!said.starts_with(b"HTTP"));
    let health = ask(&server, trusted, "GET /healthz HTTP/1.1", "").await;
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_over_without_a_restart() {
    let setup = setup();
    let identity = identity(&setup);
    let setup = with_tls(setup, &identity);
    let server = setup.start();
    connect(&server, &identity.certificate).await.unwrap();
    let renewed = renew(&identity.files);
    // At once; without it within ten seconds.
    server.hang_up();
    let taken_over = async {
        while connect(&server, &renewed).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, taken_over).await.unwrap();
    assert!(connect(&server, &identity.certificate).await.is_err());
}

#[tokio::test]
async fn a_certificate_that_is_about_to_end_is_warned_of() {
    let setup = setup();
    let identity = identity(&setup);
    let soon = renew_until(&identity.files, 10);
    let setup = with_tls(setup, &identity);
    let server = setup.start();
    let warned = async {
        while !server.log().text().contains("about to expire") {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, warned).await.unwrap();
    let metrics = ask(&server, &soon, "GET /metrics HTTP/1.1", "").await;
    let series = "authkernel_tls_certificate_expiry_timestamp_seconds ";
    let ends = metrics.lines().find_map(|line| line.strip_prefix(series));
    let ends: u64 = ends.unwrap().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let days = ends.saturating_sub(now.unwrap().as_secs()) / 86_400;
    assert!((8..=10).contains(&days), "{days}");

    let [certificate, key] = &identity.files;
    let check = || {
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"))
            .args(["check", "--listen=127.0.0.1:0", "--data"])
            .arg(setup.data())
            .arg(format!("--tls-cert={}", certificate.display()))
            .arg(format!("--tls-key={}", key.display()))
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        (out.status.code(), text)
    };
    let (code, text) = check();
    assert!(
        code == Some(0) && text.contains("warning  tls          the certificate ends in"),
        "{text}"
    );
    renew_until(&identity.files, -1);
    let (code, text) = check();
    assert!(
        code == Some(1) && text.contains("the certificate has expired: renew it"),
        "{text}"
    );
}

#[test]
fn files_that_cannot_be_used_are_refused_at_the_start() {
    let (first, second) = (setup(), setup());
    let (mine, other) = (identity(&first), identity(&second));
    let mixed = Identity {
        certificate: mine.certificate.clone(),
        files: [mine.files[0].clone(), other.files[1].clone()],
    };
    let (code, said) = with_tls(setup(), &mixed).fail();
    assert!(code == 2 && said.contains("certificate and key"), "{said}");
    let (code, said) = setup()
        .argument("--tls-cert=/nonexistent/a")
        .argument("--tls-key=/nonexistent/b")
        .fail();
    assert!(code == 2 && said.contains("/nonexistent/a"), "{said}");
    let (code, said) = setup().argument("--tls-cert=/nonexistent/a").fail();
    assert!(code == 2 && said.contains("--tls-key"), "{said}");
    let swapped = Identity {
        certificate: mine.certificate,
        files: [mine.files[1].clone(), mine.files[0].clone()],
    };
    let (code, said) = with_tls(setup(), &swapped).fail();
    assert!(code == 2 && !said.contains("PRIVATE"), "{said}");
}
