//! The accept loop: HTTP/1.1 connections with limits on their number, headers, silence and refusal to read.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::body::BodyLimit;
use super::metrics::Metrics;
use super::places::{Full, Place, Places};
use super::stall::Stall;
use super::tls::Tls;
use crate::sockets::axum::{CutStream, Cutter};

/// Header lines that a request may have.
const HEADER_LINES: usize = 64;
/// How long to wait after an error that is not about one connection, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What a client is told that comes when all places are taken.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\n\
retry-after: 1\r\ncontent-length: 90\r\n\r\n\
{\"error\":{\"code\":\"overloaded\",\"message\":\"too many connections are open: try again later\"}}";
/// What a client is told whose address has as many connections as it may have.
const ADDRESS_FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\n\
retry-after: 1\r\ncontent-length: 100\r\n\r\n\
{\"error\":{\"code\":\"overloaded\",\"message\":\"too many connections of your address: close some of them\"}}";

/// The address of whoever sends a request, as the operating system says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What connections may do.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// How many may be open.
    pub(crate) places: Places,
    /// How long a client may take to send the head of a request, idle between two, or not read.
    pub(crate) idle: Duration,
    /// Bytes that the head of a request may have: its first line and its headers.
    pub(crate) head: usize,
    /// Bytes that the body of a request may have.
    pub(crate) body: BodyLimit,
}

/// Serves connections until `stop` is cancelled, then lets each finish the request it is in. Every connection is a
/// task of `connections`.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    connections: TaskTracker,
    metrics: Metrics,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if concerns_one(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let full = match limits.places.take(peer.ip()) {
            Ok(place) => {
                let connection = Connection {
                    peer,
                    limits: limits.clone(),
                    router: router.clone(),
                    stop: stop.clone(),
                };
                let tls = tls.as_ref().map(|tls| tls.acceptor());
                connections.spawn(connection.serve(stream, place, tls));
                continue;
            }
            Err(full) => full,
        };
        metrics.connection_refused(full);
        let answer = match full {
            Full::All => {
                tracing::warn!("a connection was refused: all places are taken");
                FULL
            }
            Full::Address => {
                tracing::info!(address = %peer.ip(), "a connection was refused: its address has too many");
                ADDRESS_FULL
            }
        };
        // A new socket takes this without waiting; whether the client reads it is its business.
        let _ = stream.try_write(answer);
    }
}

/// One connection, and by which limits it is served.
struct Connection {
    peer: SocketAddr,
    limits: Limits,
    router: Router,
    stop: CancellationToken,
}

impl Connection {
    /// Serves it to its end.
    async fn serve(self, stream: TcpStream, place: Place, tls: Option<TlsAcceptor>) {
        let idle = self.limits.idle;
        // Small messages must not wait for one another; a socket that cannot be told is closed already.
        let _ = stream.set_nodelay(true);
        let stream = CutStream::new(stream);
        let cutter = stream.cutter();
        let Some(tls) = tls else {
            return self.requests(Stall::new(stream, idle, place), cutter).await;
        };
        let accepted = tokio::select! {
            accepted = tokio::time::timeout(idle, tls.accept(stream)) => accepted,
            () = self.stop.cancelled() => return,
        };
        match accepted {
            Ok(Ok(stream)) => self.requests(Stall::new(stream, idle, place), cutter).await,
            Ok(Err(error)) => tracing::debug!(%error, "a tls handshake failed"),
            Err(_) => tracing::debug!("a tls handshake took too long"),
        }
    }

    /// Serves its requests.
    async fn requests(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        cutter: Cutter,
    ) {
        let Self {
            peer,
            limits,
            router,
            stop,
        } = self;
        let io = TokioIo::new(stream);
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(limits.body);
            request.extensions_mut().insert(cutter.clone());
            let answer = router.clone().call(request);
            async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.idle)
            .max_headers(HEADER_LINES)
            .max_header_size(limits.head)
            .serve_connection(io, service)
            .with_upgrades();
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// Whether only the connection that was to be accepted has failed.
fn concerns_one(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_to_one_too_many_are_well_formed() {
        for answer in [FULL, ADDRESS_FULL] {
            let text = std::str::from_utf8(answer).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(
                head.contains(&format!("content-length: {}", body.len())),
                "{}",
                body.len()
            );
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["error"]["code"], "overloaded");
        }
    }
}
