//! A live connection as a WebSocket.

use std::borrow::Cow;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::{Cutter, Limits};
use crate::sockets::{Closing, LiveSocket};

/// Buffers of one connection: small, because there are many and messages are short. Longer messages get the room
/// they need, up to [`Limits::max_message`], while they are there.
const READ_BUFFER: usize = 2 * 1024;
/// What a write may put beside one message: its frame's head, a pong, a close.
const WRITE_EXTRA: usize = 1024;
/// How long a peer may take to close after a close that nobody's sign-out has asked for.
const PARTING: Duration = Duration::from_secs(1);

/// A message, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

/// That the application ends the connection: a close code and a reason of at most 123 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The close code, such as 1000 or 4400.
    pub code: u16,
    /// The reason, for the peer.
    pub reason: Cow<'static, str>,
}

/// What an application says and does on a connection. Every method is called by the connection's own task, one at a
/// time.
pub trait Conversation: Send + 'static {
    /// What to say first, once the connection is open.
    fn hello(&mut self, socket: &LiveSocket) -> Option<Message> {
        let _ = socket;
        None
    }

    /// The next message to push, whenever there is one. The future is dropped and called again at will, so it must
    /// lose nothing by that; the receiving half of a bounded channel is what it usually waits for. It is not asked
    /// while a message is being written: a slow peer fills that channel, and whoever sends must then decide.
    fn next(&mut self) -> impl Future<Output = Message> + Send {
        std::future::pending()
    }

    /// Acts on a message, and answers it or not. Not called for anything that was received after the connection may
    /// not act any more; dropped when the connection has to close while it runs. Nothing else is sent or received
    /// while it runs.
    fn received(
        &mut self,
        message: Message,
        socket: &LiveSocket,
    ) -> impl Future<Output = Result<Option<Message>, Stop>> + Send {
        let _ = (message, socket);
        std::future::ready(Ok(None))
    }

    /// How the peer is told that it has to close. By default with the reason's own code: 4001 and `revoked` or
    /// `expired`, 1001 at a shutdown.
    fn farewell(&self, closing: &Closing) -> Stop {
        Stop {
            code: closing.reason.close_code(),
            reason: closing.reason.as_str().into(),
        }
    }
}

/// Accepts the upgrade and serves the connection until it ends. `socket` was admitted for this request.
///
/// When it has to close, the peer is told why and has until [`Closing::cut_at`] to close; then it is cut. Peers
/// that send too much at once, stay silent or do not read are ended as well.
pub fn serve(
    socket: LiveSocket,
    upgrade: WebSocketUpgrade,
    cutter: Cutter,
    limits: Limits,
    conversation: impl Conversation,
) -> Response {
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(limits.max_message.saturating_add(WRITE_EXTRA))
        .max_message_size(limits.max_message)
        .max_frame_size(limits.max_message)
        .on_failed_upgrade(|error| tracing::debug!(%error, "a web socket was not opened"))
        .on_upgrade(move |peer| run(socket, peer, cutter, limits, conversation))
}

/// How a connection ends.
enum Ending {
    /// The registry asked for it.
    Asked(Closing),
    /// The application asked for it, or the peer broke a rule.
    Stop(Stop),
    /// The peer closes.
    Parting,
    /// The peer is silent or does not read: there is no use in saying anything.
    Stuck(&'static str),
    /// Nobody is there any more.
    Gone,
}

async fn run(
    socket: LiveSocket,
    mut peer: WebSocket,
    cutter: Cutter,
    limits: Limits,
    mut conversation: impl Conversation,
) {
    let ending = tokio::select! {
        biased;
        closing = socket.closed() => Ending::Asked(closing),
        ending = converse(&socket, &mut peer, &limits, &mut conversation) => ending,
    };
    let parted = match ending {
        Ending::Asked(closing) => {
            part(
                &socket,
                &mut peer,
                Some(conversation.farewell(&closing)),
                closing.cut_at(),
            )
            .await
        }
        Ending::Stop(stop) => part(&socket, &mut peer, Some(stop), Instant::now() + PARTING).await,
        Ending::Parting => part(&socket, &mut peer, None, Instant::now() + PARTING).await,
        Ending::Stuck(why) => {
            tracing::debug!(why, "a web socket is cut");
            false
        }
        Ending::Gone => true,
    };
    if !parted {
        cutter.cut();
    }
    // First the connection, then its registration: whoever is told that it is closed can rely on it.
    drop(peer);
    drop(socket);
}

async fn converse(
    socket: &LiveSocket,
    peer: &mut WebSocket,
    limits: &Limits,
    conversation: &mut impl Conversation,
) -> Ending {
    match talk(socket, peer, limits, conversation).await {
        Ok(never) => match never {},
        Err(ending) => ending,
    }
}

async fn talk(
    socket: &LiveSocket,
    peer: &mut WebSocket,
    limits: &Limits,
    conversation: &mut impl Conversation,
) -> Result<std::convert::Infallible, Ending> {
    if let Some(hello) = conversation.hello(socket) {
        write(peer, hello.into(), limits).await?;
    }
    let mut heard = Instant::now();
    let mut ping_at = heard + limits.ping_every;
    loop {
        tokio::select! {
            received = peer.recv() => {
                let message = match received {
                    None => return Err(Ending::Gone),
                    Some(Err(error)) => return Err(broken(&error)),
                    Some(Ok(message)) => message,
                };
                heard = Instant::now();
                let message = match message {
                    Frame::Text(text) => Message::Text(text),
                    Frame::Binary(bytes) => Message::Binary(bytes),
                    Frame::Close(_) => return Err(Ending::Parting),
                    // A ping was answered already.
                    Frame::Ping(_) | Frame::Pong(_) => continue,
                };
                if !socket.may_act() {
                    continue;
                }
                let answer = conversation.received(message, socket).await;
                if let Some(answer) = answer.map_err(Ending::Stop)? {
                    write(peer, answer.into(), limits).await?;
                }
            }
            push = conversation.next() => write(peer, push.into(), limits).await?,
            () = sleep_until(ping_at.min(heard + limits.idle)) => {
                if heard.elapsed() >= limits.idle {
                    return Err(Ending::Stuck("the peer is silent"));
                }
                write(peer, Frame::Ping(Bytes::new()), limits).await?;
                ping_at = Instant::now() + limits.ping_every;
            }
        }
    }
}

async fn write(peer: &mut WebSocket, frame: Frame, limits: &Limits) -> Result<(), Ending> {
    match timeout(limits.write, peer.send(frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(broken(&error)),
        Err(_) => Err(Ending::Stuck("the peer does not read")),
    }
}

/// Says why, if there is something to say, and waits for the peer to close; `false` when it did not in time. What it
/// still sends is thrown away.
async fn part(
    socket: &LiveSocket,
    peer: &mut WebSocket,
    stop: Option<Stop>,
    until: Instant,
) -> bool {
    let parting = async {
        if let Some(Stop { code, reason }) = stop {
            let frame = CloseFrame {
                code,
                reason: short(&reason).into(),
            };
            if peer.send(Frame::Close(Some(frame))).await.is_err() {
                return;
            }
        }
        socket.told().await;
        while let Some(Ok(_)) = peer.recv().await {}
    };
    timeout_at(until, parting).await.is_ok()
}

/// What went wrong with the connection, and what the peer is told of it.
fn broken(error: &axum::Error) -> Ending {
    use tungstenite::Error;
    let stop = |code, reason: &'static str| {
        Ending::Stop(Stop {
            code,
            reason: reason.into(),
        })
    };
    match std::error::Error::source(error).and_then(|source| source.downcast_ref::<Error>()) {
        Some(Error::Capacity(_)) => stop(1009, "the message is too long"),
        Some(Error::WriteBufferFull(_)) => stop(1011, "the answer is too long"),
        Some(Error::Utf8(_)) => stop(1007, "the text is not utf-8"),
        Some(Error::Protocol(_)) => stop(1002, "protocol error"),
        _ => Ending::Gone,
    }
}

/// As much of a reason as a close frame can hold.
fn short(reason: &str) -> String {
    const LONGEST: usize = 123;
    let end = (0..=LONGEST.min(reason.len()))
        .rev()
        .find(|end| reason.is_char_boundary(*end))
        .unwrap_or(0);
    reason[..end].to_owned()
}

type Frame = axum::extract::ws::Message;

impl From<Message> for Frame {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(text),
            Message::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_characters() {
        assert_eq!(short("revoked"), "revoked");
        assert_eq!(short(&"ä".repeat(100)), "ä".repeat(61));
        assert_eq!(short(&"a".repeat(200)), "a".repeat(123));
    }
}
