//! The floor: the same connections, closed by a server that decides nothing.
//!
//! What the scenarios take beyond this is ours; the rest is the operating system, the runtime and the clients.

use std::env;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::closes::Closes;
use crate::http::Http;
use crate::server::Server;
use crate::sockets;
use crate::table::Measured;

/// Opens the connections and has them all closed, again and again.
pub(crate) async fn measure(count: usize, repetitions: usize) -> Result<Measured> {
    let mut measured = Measured::new("floor: no kernel, no storage", count, Duration::ZERO);
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(env::current_exe()?);
    command.args(["--floor-server", "127.0.0.1:0"]);
    let server = Server::spawn(command, &folder.path().join("log"))?;
    let http = Http::new(server.address)?;
    for repetition in 0..repetitions {
        eprintln!(
            "the floor with {count} sockets, {} of {repetitions} …",
            repetition + 1
        );
        let empty = server.memory();
        let opening = Instant::now();
        let closes = Arc::new(Closes::new(count));
        let tokens = std::iter::repeat_n("none", count);
        let mut tasks = sockets::open(server.address, tokens, &closes).await?;
        measured.opened(opening.elapsed());
        measured.idle(&[http.round_trip().await?]);
        measured.memory(empty, server.memory());
        let request = Instant::now();
        let closing = async {
            http.sign_out_everywhere("none").await?;
            Ok::<_, anyhow::Error>(request.elapsed())
        };
        let (answered, latencies) = tokio::join!(closing, closes.since(request));
        measured.closed(&latencies?, answered?, None);
        while tasks.join_next().await.is_some() {}
    }
    // It knows no signals and keeps nothing.
    drop(server);
    Ok(measured)
}

/// Serves until it is killed.
pub(crate) fn serve(address: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .context("no free port")?;
        println!("listening on http://{}", listener.local_addr()?);
        let (closing, _) = broadcast::channel::<()>(1);
        let close_all = |State(closing): State<broadcast::Sender<()>>| async move {
            let _ = closing.send(());
            axum::Json::<Value>(json!({}))
        };
        let router = Router::new()
            .route("/healthz", get(|| async {}))
            .route("/live", get(live))
            .route("/api/sign-out-everywhere", post(close_all))
            .with_state(closing);
        Ok(axum::serve(listener, router).await?)
    })
}

async fn live(State(closing): State<broadcast::Sender<()>>, upgrade: WebSocketUpgrade) -> Response {
    let told = closing.subscribe();
    upgrade
        .read_buffer_size(4096)
        .on_upgrade(|socket| hold(socket, told))
}

async fn hold(mut socket: WebSocket, mut told: broadcast::Receiver<()>) {
    if socket.send(Message::Text("{}".into())).await.is_err() {
        return;
    }
    tokio::select! {
        _ = told.recv() => {}
        _ = socket.recv() => return,
    }
    let frame = CloseFrame {
        code: 4001,
        reason: "revoked".into(),
    };
    let _ = socket.send(Message::Close(Some(frame))).await;
    while let Some(Ok(_)) = socket.recv().await {}
}
