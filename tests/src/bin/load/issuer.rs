//! Sessions by the thousand, without a password hash for each.
//!
//! A second process that shares the server's store, keys and policy may issue as well as the server; this one does,
//! with the library itself.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use authkernel::ports::{Broadcast, BroadcastError, Message, Ports};
use authkernel::types::Issue;
use authkernel_wasmtime::storage::sqlite::SqliteStorage;
use authkernel_wasmtime::{Authenticator, Engine, SystemClock, SystemRandom};
use futures_util::{StreamExt, TryStreamExt, stream};

/// How many sign-ins run at once: they share commits to the disk.
const AT_ONCE: usize = 256;

/// Issues tokens beside the server.
pub(crate) struct Issuer {
    authenticator: Authenticator<Ports<SqliteStorage, Nobody, SystemClock, SystemRandom>>,
    storage: SqliteStorage,
}

impl Issuer {
    /// Opens the store of a server that runs on this data folder.
    pub(crate) async fn open(program: &Path, data: &Path) -> Result<Self> {
        let policy = Command::new(program)
            .arg("policy")
            .output()
            .context("the policy is asked for")?;
        ensure!(
            policy.status.success(),
            "`authkernel policy` failed: {}",
            policy.status
        );
        let keys = std::fs::read_to_string(data.join("keys.json")).context("keys.json")?;
        let storage = SqliteStorage::open(data.join("authkernel.db"))?;
        let authenticator = Authenticator::builder()
            .policy(&String::from_utf8(policy.stdout)?)
            .keys(&keys)
            .storage(storage.clone())
            .broadcast(Nobody)
            .engine(Engine::Native)
            .build()
            .await?;
        Ok(Self {
            authenticator,
            storage,
        })
    }

    /// New sessions of one subject: a token of each.
    pub(crate) async fn sign_in(&self, subject: &str, count: usize) -> Result<Vec<String>> {
        let issue = || {
            let request = Issue {
                subject: subject.to_owned(),
                purpose: "user".to_owned(),
                device: Some("load".to_owned()),
                ..Issue::default()
            };
            async move { Ok(self.authenticator.issue(request).await?.token) }
        };
        stream::iter(0..count)
            .map(|_| issue())
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    pub(crate) async fn close(self) {
        self.authenticator.close().await;
        self.storage.close().await;
    }
}

/// Issuing tells nobody.
struct Nobody;

impl Broadcast for Nobody {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        let refused = || BroadcastError::Other("this process issues only".into());
        messages.iter().map(|_| Err(refused())).collect()
    }
}
