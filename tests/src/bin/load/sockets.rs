//! Live connections as clients hold them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::closes::{Close, Closes};

/// Handshakes that run at once.
const AT_ONCE: usize = 128;
/// For all handshakes together.
const OPEN_LIMIT: Duration = Duration::from_secs(180);

type Socket = WebSocketStream<TcpStream>;

/// Opens one connection for each token, waits for each one's first message, and listens on all of them.
///
/// Each close is noted; the tasks end when the server has closed.
pub(crate) async fn open<'t>(
    address: SocketAddr,
    tokens: impl Iterator<Item = &'t str>,
    closes: &Arc<Closes>,
) -> Result<JoinSet<()>> {
    let handshakes = stream::iter(tokens)
        .map(|token| connect(address, token))
        .buffer_unordered(AT_ONCE);
    let opened = tokio::time::timeout(OPEN_LIMIT, handshakes.try_collect::<Vec<_>>());
    let sockets = opened
        .await
        .context("the connections did not open in time")??;
    let mut tasks = JoinSet::new();
    for (number, socket) in sockets.into_iter().enumerate() {
        tasks.spawn(listen(socket, number, Arc::clone(closes)));
    }
    Ok(tasks)
}

async fn connect(address: SocketAddr, token: &str) -> Result<Socket> {
    let mut request = format!("ws://{address}/live").into_client_request()?;
    let bearer = HeaderValue::from_str(&format!("Bearer {token}"))?;
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    // Small: ten thousand clients have to fit into this process.
    let config = WebSocketConfig::default()
        .read_buffer_size(512)
        .write_buffer_size(0)
        .max_message_size(Some(1 << 20));
    let (mut socket, _) = client_async_with_config(request, stream, Some(config)).await?;
    match socket.next().await {
        Some(Ok(Message::Text(_))) => Ok(socket),
        other => bail!("a connection was not greeted: {other:?}"),
    }
}

async fn listen(mut socket: Socket, number: usize, closes: Arc<Closes>) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(frame))) => {
                let frame = frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
                closes.note(number, Close::Frame(frame));
                break;
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return closes.note(number, Close::Lost(error.to_string())),
            None => return closes.note(number, Close::Lost("the connection ended".to_owned())),
        }
    }
    // Answers the close as browsers do, and lets the server end the connection.
    while let Some(Ok(_)) = socket.next().await {}
}
