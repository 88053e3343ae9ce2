//! A connection that is cut when its peer stops reading.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::places::Place;

/// How much of what a peer still sends is read and thrown away after the last answer. Closing a socket with unread
/// bytes resets the connection, and the peer might never see the answer.
const LINGER_BYTES: usize = 4 * 1024 * 1024;
/// How long that may take.
const LINGER: Duration = Duration::from_secs(1);

/// A stream whose writes fail when nothing could be written for a while. It also carries its connection's place among
/// those that may be open, so that an upgraded connection keeps it.
pub(crate) struct Stall<T> {
    stream: T,
    limit: Duration,
    /// Runs while a write waits.
    timer: Option<Pin<Box<Sleep>>>,
    lingering: Option<Linger>,
    _place: Place,
}

struct Linger {
    timer: Pin<Box<Sleep>>,
    left: usize,
}

impl<T> Stall<T> {
    /// Cuts writes that wait for longer than `limit`.
    pub(crate) fn new(stream: T, limit: Duration, place: Place) -> Self {
        Self {
            stream,
            limit,
            timer: None,
            lingering: None,
            _place: place,
        }
    }

    /// Passes on what a write came to; a write that has waited too long fails.
    fn watch<R>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.timer = None;
            return written;
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the peer does not read",
        )))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stall<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stall<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            let ended = Pin::new(&mut this.stream).poll_shutdown(cx);
            ready!(this.watch(cx, ended))?;
            this.lingering = Some(Linger {
                timer: Box::pin(tokio::time::sleep_until(Instant::now() + LINGER)),
                left: LINGER_BYTES,
            });
        }
        let Some(linger) = &mut this.lingering else {
            return Poll::Ready(Ok(()));
        };
        let mut space = [0; 4096];
        while linger.left > 0 && linger.timer.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if buffer.filled().is_empty() => break,
                Ok(()) => linger.left = linger.left.saturating_sub(buffer.filled().len()),
                Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::super::places::{PerAddress, Places};
    use super::*;

    fn place() -> Place {
        let places = Places::new(1, PerAddress::Unlimited);
        places.take([127, 0, 0, 1].into()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_cut() {
        let (near, _far) = duplex(16);
        let mut near = Stall::new(near, Duration::from_secs(5), place());
        let error = near.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_slowly_is_not() {
        let (near, mut far) = duplex(16);
        let mut near = Stall::new(near, Duration::from_secs(5), place());
        let reader = tokio::spawn(async move {
            let mut byte = [0; 16];
            for _ in 0..4 {
                sleep(Duration::from_secs(4)).await;
                far.read_exact(&mut byte).await.unwrap();
            }
        });
        near.write_all(&[0; 64]).await.unwrap();
        reader.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_for_the_peer_but_not_for_ever() {
        let (near, mut far) = duplex(16);
        let mut near = Stall::new(near, Duration::from_secs(5), place());
        far.write_all(&[0; 8]).await.unwrap();
        let start = Instant::now();
        near.shutdown().await.unwrap();
        assert_eq!(start.elapsed().as_secs(), LINGER.as_secs());
    }
}
