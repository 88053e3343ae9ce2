//! Where the server listens, what browsers call it, and how many connections the system allows.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::super::settings::Settings;
use super::report::Report;

/// How long the server that is there may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn public_url(settings: &Settings, report: &mut Report) {
    let outside = !settings.listen.ip().is_loopback();
    match &settings.public_url {
        Some(url) if url.is_secure() => {
            report.ok("public url", format!("{url}: cookies are Secure"))
        }
        Some(url) => report.warning(
            "public url",
            format!("{url} is not https: tokens and passwords cross the network in clear"),
            "put tls in front, and say https here",
        ),
        None if settings.tls_cert.is_some() => {
            report.ok("public url", "none: what the header host says, over https");
        }
        None if outside => report.warning(
            "public url",
            "none, and the server listens to other machines without tls",
            "give it --tls-cert and --tls-key, or a tls proxy and --public-url",
        ),
        None => report.ok("public url", "none: for this machine alone"),
    }
}

pub(super) async fn listen(settings: &Settings, report: &mut Report) {
    let address = settings.listen;
    match TcpListener::bind(address).await {
        Ok(_) => report.ok("listen", format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if settings.tls_cert.is_some() {
                return report.warning(
                    "listen",
                    format!(
                        "{address} is in use; that it is this server could not be seen behind tls"
                    ),
                    "ask it for /healthz",
                );
            }
            match healthy(address).await {
                true => report.ok("listen", format!("an authkernel answers on {address}")),
                false => report.failed(
                    "listen",
                    format!("{address} is in use by something else"),
                    "end that, or give --listen another port",
                ),
            }
        }
        Err(error) => report.failed(
            "listen",
            format!("cannot listen on {address}: {error}"),
            "give --listen an address of this machine and a port above 1023",
        ),
    }
}

/// Whether what listens there answers as this server does.
async fn healthy(mut address: SocketAddr) -> bool {
    if address.ip().is_unspecified() {
        // Listening everywhere includes here.
        address.set_ip(match address.is_ipv4() {
            true => std::net::Ipv4Addr::LOCALHOST.into(),
            false => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    let asking = async {
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(16 * 1024).read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await;
    let answer = answer.ok().and_then(Result::ok).unwrap_or_default();
    String::from_utf8_lossy(&answer).ends_with(r#"{"status":"ok"}"#)
}

#[cfg(unix)]
pub(super) fn open_files(settings: &Settings, report: &mut Report) {
    /// What the database, the log and the rest take.
    const BESIDE: u64 = 64;
    let needed = u64::from(settings.max_connections) + BESIDE;
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    match allowed {
        Some(allowed) if allowed < needed => report.warning(
            "open files",
            format!(
                "the system allows {allowed}, {} connections need {needed}",
                settings.max_connections
            ),
            "raise LimitNOFILE or ulimit -n, or lower --max-connections",
        ),
        _ => report.ok(
            "open files",
            format!("enough for {} connections", settings.max_connections),
        ),
    }
}

#[cfg(not(unix))]
pub(super) fn open_files(_settings: &Settings, _report: &mut Report) {}
