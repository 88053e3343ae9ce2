//! Two servers side by side: ours, and one that only verifies and looks into a table.

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Http;
use crate::issuer::Issuer;
use crate::server::Server;

/// Both servers, with keys and tokens in common.
pub(crate) struct Pair {
    ours: Server,
    peer: Server,
    /// Tokens that both take, each of a session of its own.
    pub(crate) tokens: Vec<String>,
    /// Signs in to our server's store, from this process.
    pub(crate) issuer: Issuer,
    _folder: TempDir,
}

impl Pair {
    /// Starts both with new keys of an algorithm, and so many tokens.
    pub(crate) async fn start(program: &Path, algorithm: &str, tokens: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        let made = Command::new(program)
            .args(["keys", "generate", "--algorithm", algorithm, "--data"])
            .arg(&data)
            .output()?;
        ensure!(made.status.success(), "no key was made");
        let ours = Server::start(program, &data)?;
        let account = Http::new(ours.address)?.register().await?;
        let issuer = Issuer::open(program, &data).await?;
        let tokens = issuer.sign_in(&account.subject, tokens).await?;
        let keys: Value = serde_json::from_slice(&std::fs::read(data.join("keys.json"))?)?;
        let jtis = tokens.iter().map(|token| jti(token));
        let given = folder.path().join("peer.json");
        let told = json!({
            "key": keys["keys"][0],
            "subject": account.subject,
            "jtis": jtis.collect::<Result<Vec<_>>>()?,
        });
        std::fs::write(&given, told.to_string())?;
        let mut command = Command::new(env::current_exe()?);
        command.args(["--peer-server", "127.0.0.1:0"]).arg(&given);
        let peer = Server::spawn(command, &folder.path().join("peer.log"))?;
        Ok(Self {
            ours,
            peer,
            tokens,
            issuer,
            _folder: folder,
        })
    }

    /// Where to ask in a turn, ours marked. Each begins in turn: a machine that warms up favours nobody.
    pub(crate) fn order(&self, turn: usize) -> [(SocketAddr, bool); 2] {
        let order = [(self.ours.address, true), (self.peer.address, false)];
        [order[turn % 2], order[(turn + 1) % 2]]
    }

    /// Ends both.
    pub(crate) async fn stop(self) -> Result<()> {
        self.issuer.close().await;
        // The peer knows no signals and keeps nothing.
        drop(self.peer);
        self.ours.stop()
    }
}

fn jti(token: &str) -> Result<String> {
    let payload = token.split('.').nth(1).context("a token has a payload")?;
    let payload = Base64UrlUnpadded::decode_vec(payload).context("it is base64url")?;
    let claims: Value = serde_json::from_slice(&payload)?;
    Ok(claims["jti"].as_str().context("it has a jti")?.to_owned())
}
