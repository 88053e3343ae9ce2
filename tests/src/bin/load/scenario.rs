//! Sign-outs with live connections: one, many of one session, one of each of many sessions.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::closes::Closes;
use crate::http::{Account, Http};
use crate::issuer::Issuer;
use crate::server::Server;
use crate::sockets;
use crate::table::Measured;

/// Round trips that are timed before each sign-out.
const ROUND_TRIPS: usize = 20;

/// A session with one connection.
pub(crate) async fn one_socket(program: &Path, repetitions: usize) -> Result<Measured> {
    let mut measured = Measured::new("one socket", 1, Duration::from_millis(10));
    let service = Service::start(program).await?;
    for _ in 0..repetitions {
        service.round(1, 1, &mut measured).await?;
    }
    service.stop().await?;
    Ok(measured)
}

/// One session with many connections.
pub(crate) async fn one_session(
    program: &Path,
    sockets: usize,
    repetitions: usize,
) -> Result<Measured> {
    let mut measured = Measured::new("one session", sockets, Duration::from_millis(500));
    let service = Service::start(program).await?;
    for repetition in 0..repetitions {
        eprintln!(
            "one session with {sockets} sockets, {} of {repetitions} …",
            repetition + 1
        );
        service.round(1, sockets, &mut measured).await?;
    }
    service.stop().await?;
    Ok(measured)
}

/// Many sessions with one connection each.
pub(crate) async fn many_sessions(
    program: &Path,
    sockets: usize,
    repetitions: usize,
) -> Result<Measured> {
    let mut measured = Measured::new(
        "one socket in each session",
        sockets,
        Duration::from_millis(1500),
    );
    let service = Service::start(program).await?;
    for repetition in 0..repetitions {
        eprintln!(
            "{sockets} sessions with one socket each, {} of {repetitions} …",
            repetition + 1
        );
        service.round(sockets, sockets, &mut measured).await?;
    }
    service.stop().await?;
    Ok(measured)
}

/// A server with one account, and who issues beside it.
struct Service {
    server: Server,
    http: Http,
    issuer: Issuer,
    account: Account,
    _folder: TempDir,
}

impl Service {
    async fn start(program: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        let server = Server::start(program, &data)?;
        let http = Http::new(server.address)?;
        let account = http.register().await?;
        let issuer = Issuer::open(program, &data).await?;
        Ok(Self {
            server,
            http,
            issuer,
            account,
            _folder: folder,
        })
    }

    /// Signs in, opens the connections, waits until the server is quiet, signs out, waits for the last close.
    async fn round(&self, sessions: usize, count: usize, measured: &mut Measured) -> Result<()> {
        let tokens = self.issuer.sign_in(&self.account.subject, sessions).await?;
        let acting = tokens.first().context("one session acts")?;
        let empty = self.server.memory();
        let opening = Instant::now();
        let closes = Arc::new(Closes::new(count));
        let each = tokens.iter().map(String::as_str).cycle().take(count);
        let mut tasks = sockets::open(self.server.address, each, &closes)
            .await
            .with_context(|| format!("the server said: {}", self.server.said()))?;
        measured.opened(opening.elapsed());
        let mut idle = Vec::new();
        for _ in 0..ROUND_TRIPS {
            idle.push(self.http.round_trip().await?);
        }
        measured.idle(&idle);
        measured.memory(empty, self.server.memory());
        ensure!(
            closes.open() == count,
            "{} connections closed by themselves",
            count - closes.open()
        );

        let request = Instant::now();
        let signing_out = async {
            let report = self.http.sign_out_everywhere(acting).await?;
            Ok::<_, anyhow::Error>((report, request.elapsed()))
        };
        let (report, latencies, during) =
            tokio::join!(signing_out, closes.since(request), self.during(&closes));
        let latencies =
            latencies.with_context(|| format!("the server said: {}", self.server.said()))?;
        let (report, answered) = report?;
        // The session of the sign-in is there as well, in the first round.
        let revoked = report["revoked"].as_u64().unwrap_or(0);
        ensure!(
            revoked >= sessions as u64,
            "only {revoked} of {sessions} sessions were revoked: {report}"
        );
        measured.closed(&latencies, answered, Some(during?));
        // Until the server has ended them all, so that the next round finds it quiet.
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// How long others wait meanwhile, at most.
    async fn during(&self, closes: &Closes) -> Result<Duration> {
        let mut longest = Duration::ZERO;
        loop {
            longest = longest.max(self.http.round_trip().await?);
            if closes.open() == 0 {
                return Ok(longest);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop(self) -> Result<()> {
        self.issuer.close().await;
        self.server.stop()
    }
}
