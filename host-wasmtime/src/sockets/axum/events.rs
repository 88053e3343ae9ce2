//! A live connection as server-sent events.

use std::convert::Infallible;
use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, header};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::{Cutter, Limits};
use crate::sockets::{Closing, LiveSocket};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What the browser dispatches it as; `message` when absent. Line breaks in it are left out.
    pub name: Option<String>,
    /// The payload: any text.
    pub data: String,
}

impl Event {
    /// An event with a name.
    pub fn new(name: impl Into<String>, data: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            data: data.into(),
        }
    }

    fn encode(&self) -> Bytes {
        let mut text = String::with_capacity(self.data.len() + 32);
        if let Some(name) = &self.name {
            text.push_str("event: ");
            text.extend(name.chars().filter(|c| !matches!(c, '\r' | '\n')));
            text.push('\n');
        }
        // A line break of any kind ends a line of the stream, so that each needs a field of its own.
        let data = self.data.replace("\r\n", "\n").replace('\r', "\n");
        for line in data.split('\n') {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "data: {line}");
        }
        text.push('\n');
        text.into()
    }
}

/// Where the events of a connection come from. Every method is called by the connection's own task, one at a time.
pub trait Source: Send + 'static {
    /// What to send first.
    fn hello(&mut self, socket: &LiveSocket) -> Option<Event> {
        let _ = socket;
        None
    }

    /// The next event, whenever there is one. The future is dropped and called again at will, so it must lose nothing
    /// by that; the receiving half of a bounded channel is what it usually waits for. It is not asked while the peer
    /// does not read.
    fn next(&mut self) -> impl Future<Output = Event> + Send {
        std::future::pending()
    }

    /// The last event, after which the response ends. By default `close`, with the reason's close code and text:
    /// `{"code": 4001, "reason": "revoked"}`.
    fn farewell(&self, closing: &Closing) -> Event {
        let (code, reason) = (closing.reason.close_code(), closing.reason.as_str());
        Event::new(
            "close",
            serde_json::json!({ "code": code, "reason": reason }).to_string(),
        )
    }
}

/// Answers the request with events until the connection ends. `socket` was admitted for this request.
///
/// When it has to close, a last event says why and the response ends, and so does the TCP connection; it is cut when
/// the peer has not taken all of that until [`Closing::cut_at`]. That needs a `cutter` that can cut: without one, a
/// peer that never reads keeps its TCP connection, though nothing is sent to it any more.
pub fn serve(socket: LiveSocket, cutter: Cutter, limits: Limits, source: impl Source) -> Response {
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    tokio::spawn(run(socket, sender, cutter, limits, source));
    let body = Body::from_stream(ReceiverStream::new(receiver).map(Ok::<_, Infallible>));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // The TCP connection belongs to this response alone, and ends with it.
        (header::CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // The widespread proxy that gathers responses by default understands this.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// How a stream ends.
enum Ending {
    /// The registry asked for it.
    Asked(Closing),
    /// The peer does not read.
    Stuck,
    /// Nobody is there any more.
    Gone,
}

async fn run(
    socket: LiveSocket,
    sender: mpsc::Sender<Bytes>,
    cutter: Cutter,
    limits: Limits,
    mut source: impl Source,
) {
    let ending = tokio::select! {
        biased;
        closing = socket.closed() => Ending::Asked(closing),
        ending = feed(&socket, &sender, &cutter, &limits, &mut source) => ending,
    };
    match ending {
        Ending::Asked(closing) => {
            let last = source.farewell(&closing).encode();
            let sent = timeout_at(closing.cut_at(), sender.send(last)).await;
            // The end of the channel is the end of the response.
            drop(sender);
            let gone = match sent {
                Ok(_) if cutter.can_cut() => {
                    timeout_at(closing.cut_at(), cutter.gone()).await.is_ok()
                }
                Ok(_) => true,
                Err(_) => false,
            };
            if !gone {
                cutter.cut();
            }
        }
        Ending::Stuck => {
            tracing::debug!("a stream of events is cut: its peer does not read");
            cutter.cut();
        }
        Ending::Gone => {}
    }
    drop(socket);
}

async fn feed(
    socket: &LiveSocket,
    sender: &mpsc::Sender<Bytes>,
    cutter: &Cutter,
    limits: &Limits,
    source: &mut impl Source,
) -> Ending {
    let mut next = source.hello(socket).map(|hello| hello.encode());
    let mut ping_at = Instant::now() + limits.ping_every;
    loop {
        if let Some(bytes) = next.take() {
            match timeout(limits.write, sender.send(bytes)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ending::Gone,
                Err(_) => return Ending::Stuck,
            }
        }
        if cutter.blocked_for() >= limits.write {
            return Ending::Stuck;
        }
        tokio::select! {
            () = sender.closed() => return Ending::Gone,
            event = source.next() => {
                if event.data.len() > limits.max_message {
                    tracing::warn!(bytes = event.data.len(), "an event is too long: its connection is ended");
                    return Ending::Gone;
                }
                next = Some(event.encode());
            }
            () = sleep_until(ping_at) => {
                next = Some(Bytes::from_static(b":\n\n"));
                ping_at = Instant::now() + limits.ping_every;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_encoded_so_that_no_text_can_forge_another() {
        let encoded = |event: Event| String::from_utf8(event.encode().to_vec()).unwrap();
        assert_eq!(
            encoded(Event::new("hello", "{}")),
            "event: hello\ndata: {}\n\n"
        );
        let unnamed = Event {
            name: None,
            data: "a\nb\r\nc\rd".into(),
        };
        assert_eq!(encoded(unnamed), "data: a\ndata: b\ndata: c\ndata: d\n\n");
        assert_eq!(
            encoded(Event::new("x\ndata: forged\n\n", "y\n\nevent: close")),
            "event: xdata: forged\ndata: y\ndata: \ndata: event: close\n\n"
        );
    }
}
