//! Cutting a TCP connection, whatever its peer and whoever holds it.
//!
//! Dropping a connection is not enough: behind hyper its owner is another task, which may wait without end for a peer
//! that never reads; and a socket that is closed with unsent bytes lives on in the operating system. A connection that
//! is cut here is reset: it is gone on both sides.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::serve::{IncomingStream, Listener};
use futures_util::task::AtomicWaker;
use http::request::Parts;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Cuts one connection. In a handler it is the request's own connection, where a [`CutListener`] accepted it or where
/// it was put into the request's extensions; elsewhere it can do nothing.
///
/// It is meant for HTTP/1.1, where a live connection has its TCP connection to itself.
#[derive(Clone, Debug)]
pub struct Cutter {
    line: Option<Arc<Line>>,
}

impl Cutter {
    /// One that can do nothing: the connection is only dropped, and one whose peer never reads stays until the
    /// operating system gives it up.
    pub const fn none() -> Self {
        Self { line: None }
    }

    /// Ends the connection at once, with a reset. What was not sent yet is never sent.
    pub fn cut(&self) {
        if let Some(line) = &self.line {
            line.cut.store(true, Ordering::SeqCst);
            line.reader.wake();
            line.writer.wake();
        }
    }

    /// Returns when the connection is gone, whoever ended it; never where nothing is known of it.
    pub async fn gone(&self) {
        let Some(line) = &self.line else {
            return std::future::pending().await;
        };
        loop {
            let mut ended = std::pin::pin!(line.ended.notified());
            ended.as_mut().enable();
            if line.gone.load(Ordering::SeqCst) {
                return;
            }
            ended.await;
        }
    }

    /// Whether the connection is known, so that it can be cut.
    pub fn can_cut(&self) -> bool {
        self.line.is_some()
    }

    /// For how long a write has been waiting for the peer to read; zero when none waits.
    pub fn blocked_for(&self) -> Duration {
        let Some(line) = &self.line else {
            return Duration::ZERO;
        };
        match line.blocked_at.load(Ordering::Relaxed) {
            NOT_BLOCKED => Duration::ZERO,
            at => line.age().saturating_sub(Duration::from_millis(at)),
        }
    }
}

/// Never refused: a request whose connection is not known has a cutter that can do nothing.
impl<S: Sync> FromRequestParts<S> for Cutter {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().or_else(|| {
            let info = parts.extensions.get::<ConnectInfo<Self>>();
            info.map(|ConnectInfo(cutter)| cutter)
        });
        Ok(known.cloned().unwrap_or(Self::none()))
    }
}

impl Connected<IncomingStream<'_, CutListener>> for Cutter {
    fn connect_info(stream: IncomingStream<'_, CutListener>) -> Self {
        stream.io().cutter()
    }
}

/// A listener for [`axum::serve()`] whose connections can be cut. Give the router to `serve` with
/// `into_make_service_with_connect_info::<Cutter>()`, so that handlers get theirs.
#[derive(Debug)]
pub struct CutListener {
    listener: TcpListener,
}

impl CutListener {
    /// Accepts from a listener that is bound.
    pub fn new(listener: TcpListener) -> Self {
        Self { listener }
    }
}

impl Listener for CutListener {
    type Io = CutStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CutStream, SocketAddr) {
        // Axum's own: it knows which errors to wait out.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Messages are small and must not wait for one another. A socket that refuses is gone already.
        let _ = stream.set_nodelay(true);
        (CutStream::new(stream), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A TCP connection that can be cut from anywhere. For servers with an accept loop of their own: wrap each stream,
/// and put its [`Cutter`] into the extensions of its requests.
#[derive(Debug)]
pub struct CutStream {
    stream: TcpStream,
    line: Arc<Line>,
}

/// What the stream and its cutters share.
#[derive(Debug)]
struct Line {
    since: Instant,
    cut: AtomicBool,
    gone: AtomicBool,
    ended: Notify,
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// Milliseconds after `since`.
    blocked_at: AtomicU64,
}

const NOT_BLOCKED: u64 = u64::MAX;

impl Line {
    fn age(&self) -> Duration {
        self.since.elapsed()
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    fn note(&self, blocked: bool) {
        if !blocked {
            self.blocked_at.store(NOT_BLOCKED, Ordering::Relaxed);
            return;
        }
        let at = u64::try_from(self.age().as_millis()).unwrap_or(NOT_BLOCKED);
        // The first write that waits counts.
        let _ =
            self.blocked_at
                .compare_exchange(NOT_BLOCKED, at, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl CutStream {
    /// Wraps a connection.
    pub fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            line: Arc::new(Line {
                since: Instant::now(),
                cut: AtomicBool::new(false),
                gone: AtomicBool::new(false),
                ended: Notify::new(),
                reader: AtomicWaker::new(),
                writer: AtomicWaker::new(),
                blocked_at: AtomicU64::new(NOT_BLOCKED),
            }),
        }
    }

    /// Cuts this connection.
    pub fn cutter(&self) -> Cutter {
        Cutter {
            line: Some(Arc::clone(&self.line)),
        }
    }

    /// Polls the stream unless it was cut, and is woken when it is.
    fn unless_cut<T>(
        &mut self,
        cx: &mut Context<'_>,
        waker: fn(&Line) -> &AtomicWaker,
        poll: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if !self.line.is_cut() {
            let polled = poll(Pin::new(&mut self.stream), cx);
            if polled.is_ready() {
                return polled;
            }
            waker(&self.line).register(cx.waker());
            // It may have been cut before there was anybody to wake.
            if !self.line.is_cut() {
                return Poll::Pending;
            }
        }
        let cut = io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was cut");
        Poll::Ready(Err(cut))
    }

    fn write<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let written = self.unless_cut(cx, |line| &line.writer, poll);
        self.line.note(written.is_pending());
        written
    }
}

impl Drop for CutStream {
    fn drop(&mut self) {
        if self.line.is_cut() {
            // Nothing that is still unsent may keep the connection alive. A socket that refuses is gone already.
            let _ = self.stream.set_zero_linger();
        }
        self.line.gone.store(true, Ordering::SeqCst);
        self.line.ended.notify_waiters();
    }
}

impl AsyncRead for CutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.unless_cut(
            cx,
            |line| &line.reader,
            |stream, cx| stream.poll_read(cx, buffer),
        )
    }
}

impl AsyncWrite for CutStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |stream, cx| stream.poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unless_cut(cx, |line| &line.writer, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unless_cut(
            cx,
            |line| &line.writer,
            |stream, cx| stream.poll_shutdown(cx),
        )
    }
}
