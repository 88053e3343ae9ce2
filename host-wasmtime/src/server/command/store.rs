//! `authkernel sessions`, `sign-out` and `expunge`: the kernel on the data of a server, beside it.
//!
//! What these revoke is committed to the database with the disconnects that are owed; the server that holds the
//! connections finds those within a second and closes them.

use std::path::PathBuf;

use authkernel::ports::{Broadcast, BroadcastError, Message, Ports};
use authkernel::types::{
    Report, Revoke, RevokeScope, RevokeTarget, Sessions, SignOutEverywhere, SignOutScope,
};
use authkernel::{Error, Kind};
use clap::Args;
use serde_json::{Value, json};

use super::super::backing::{AnyBroadcast, AnyStorage, Backends, BroadcastPlan};
use super::super::settings::NO_SHARED_KEYS;
use super::super::start::StartError;
use super::super::{keys, policy};
use super::Format;
use crate::{Authenticator, SystemClock, SystemRandom};

/// Whose data, and by which rules.
#[derive(Debug, Args)]
pub(super) struct Store {
    /// Data directory of the server
    #[arg(
        long,
        env = "AUTHKERNEL_DATA",
        value_name = "DIR",
        default_value = "./authkernel-data"
    )]
    data: PathBuf,

    #[command(flatten)]
    backends: Backends,

    /// Policy file of the server; without it the default policy
    #[arg(long, env = "AUTHKERNEL_POLICY", value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,

    /// Key file of the server; without it keys.json in the data directory. With --storage it is needed
    #[arg(long, env = "AUTHKERNEL_KEYS", value_name = "FILE")]
    pub(super) keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ListSessions {
    #[command(flatten)]
    store: Store,
    /// Whose sessions: the `sub` of their tokens, such as 'user?id=…'; quote it for the shell
    subject: String,
    /// The subject's tenant; without it, it has none
    #[arg(long)]
    tenant: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whom").required(true))]
pub(super) struct SignOut {
    #[command(flatten)]
    store: Store,
    /// Sign this subject out everywhere: the `sub` of its tokens, such as 'user?id=…'; quote it for the shell
    #[arg(group = "whom")]
    subject: Option<String>,
    /// Sign out this one session: the `sid` of its tokens
    #[arg(long, value_name = "SID", group = "whom", allow_hyphen_values = true)]
    session: Option<String>,
    /// Revoke this one token: its `jti`; its session goes on
    #[arg(long, value_name = "JTI", group = "whom", allow_hyphen_values = true)]
    jti: Option<String>,
    /// The tenant of whatever is named; without it, it has none
    #[arg(long)]
    tenant: Option<String>,
    /// Only tokens of these purposes
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "PURPOSE",
        requires = "subject"
    )]
    only: Option<Vec<String>>,
    /// No tokens of these purposes
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "PURPOSE",
        requires = "subject"
    )]
    except: Option<Vec<String>>,
    /// Sessions to leave alone: their `sid`s, at most 8
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "SID",
        requires = "subject",
        allow_hyphen_values = true
    )]
    keep: Vec<String>,
    /// Only what was issued before this moment, in seconds since 1970
    #[arg(long, value_name = "SECONDS", requires = "subject")]
    issued_before: Option<u64>,
    /// Say what would be signed out, and change nothing
    #[arg(long, requires = "subject")]
    dry_run: bool,
    /// Why, for the records, such as stolen_laptop
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Expunge {
    #[command(flatten)]
    store: Store,
}

pub(super) type Kernel = Authenticator<Ports<AnyStorage, Teller, SystemClock, SystemRandom>>;

/// Connections are held by other processes.
#[derive(Clone, Debug)]
pub(super) enum Teller {
    /// Nothing is taken here, everything stays owed: a server finds it within a second, and tells all of them. So it is
    /// without --broadcast, too, where a shared storage would be the broker: that this is what the servers listen to
    /// is not certain, and what a broker has taken is owed no more.
    Servers,
    /// The broker that the operator named.
    Broker(AnyBroadcast),
}

impl Broadcast for Teller {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        let owed = || Err(BroadcastError::Unavailable("the server tells them".into()));
        match self {
            Self::Servers => messages.iter().map(|_| owed()).collect(),
            Self::Broker(broker) => broker.publish(messages).await,
        }
    }
}

impl Store {
    /// The server's database, where it is a file.
    fn database(&self) -> PathBuf {
        self.data.join("authkernel.db")
    }

    /// Whether there is something to decide with.
    pub(super) fn is_there(&self) -> bool {
        self.backends.storage.is_some() || self.database().is_file()
    }

    pub(super) async fn open(&self) -> Result<Kernel, StartError> {
        let plan = self.backends.storage_plan()?;
        let told = match &self.backends.broadcast {
            Some(_) => self.backends.broadcast_plan()?,
            None => BroadcastPlan::InProcess,
        };
        let policy = policy::load(self.policy.as_deref())?;
        let file = match &self.keys {
            Some(file) => file.clone(),
            None if plan.is_shared() => return Err(StartError::config(NO_SHARED_KEYS)),
            None => self.data.join("keys.json"),
        };
        let keys = keys::load(&file)?;
        let database = self.database();
        if !plan.is_shared() && !database.is_file() {
            return Err(StartError::config(format!(
                "{} is not there: give --data the directory of a server, or --storage the address of several",
                database.display()
            )));
        }
        let storage = AnyStorage::open_existing(&plan, &database).await?;
        let teller = match told {
            BroadcastPlan::InProcess => Teller::Servers,
            plan => Teller::Broker(AnyBroadcast::connect(&plan).await?),
        };
        let mut builder = Authenticator::builder().policy(&policy).keys(&keys);
        if self.data.is_dir() {
            builder = builder.cache_dir(self.data.join("cache"));
        }
        builder
            .storage(storage)
            .broadcast(teller)
            .build()
            .await
            .map_err(|error| StartError::other(error.to_string()))
    }
}

pub(super) async fn sessions(command: ListSessions, format: Format) -> Result<(), StartError> {
    let kernel = command.store.open().await?;
    let mut request = Sessions {
        tenant: command.tenant,
        subject: command.subject,
        after: None,
        limit: Some(100),
    };
    let mut found = Vec::new();
    loop {
        let page = kernel.sessions(request.clone()).await.map_err(failed)?;
        found.extend(page.sessions);
        match page.next {
            None => break,
            next => request.after = next,
        }
    }
    let listed: Vec<Value> = found
        .iter()
        .map(|session| {
            json!({
                "sid": session.sid, "device": session.device, "created_at": session.created_at,
                "last_seen": session.last_seen, "ends_at": session.ends_at,
            })
        })
        .collect();
    format.answer(&json!({ "sessions": listed }), |line| {
        line(format!("{} live sessions", found.len()));
        for session in &found {
            let device = session.device.as_deref().unwrap_or("-");
            line(format!(
                "{}  since {}  {device}",
                session.sid, session.created_at
            ));
        }
    })
}

pub(super) async fn sign_out(command: SignOut, format: Format) -> Result<(), StartError> {
    let kernel = command.store.open().await?;
    let target = match (command.session, command.jti) {
        (Some(sid), _) => Some(RevokeTarget::Sid { sid, subject: None }),
        (_, Some(jti)) => Some(RevokeTarget::Jti(jti)),
        (None, None) => None,
    };
    let done = match target {
        Some(target) => {
            let scope = match target {
                RevokeTarget::Jti(_) => RevokeScope::Token,
                _ => RevokeScope::Session,
            };
            let revoke = Revoke {
                target,
                scope,
                tenant: command.tenant,
                reason: command.reason,
            };
            kernel.revoke(revoke).await
        }
        None => {
            let selection = SignOutEverywhere {
                scope: SignOutScope::Subject {
                    tenant: command.tenant,
                    subject: command.subject.unwrap_or_default(),
                },
                include_purposes: command.only,
                exclude_purposes: command.except,
                keep: command.keep,
                issued_before: command.issued_before,
                reason: command.reason,
                ..SignOutEverywhere::subject(None, "")
            };
            match command.dry_run {
                true => kernel.preview(selection).await,
                false => kernel.sign_out_everywhere(selection).await,
            }
        }
    };
    kernel.close().await;
    report(&done.map_err(failed)?, command.dry_run, format)
}

fn report(done: &Report, dry_run: bool, format: Format) -> Result<(), StartError> {
    let owed = match dry_run {
        true => done.disconnected,
        // Without a broker all of them are left to the server.
        false => {
            let left = u32::try_from(done.undelivered.len()).unwrap_or(u32::MAX);
            done.disconnected.saturating_add(left)
        }
    };
    let document = json!({
        "revoked": done.revoked, "already": done.already, "disconnects": owed, "dry_run": dry_run,
    });
    format.answer(&document, |line| {
        line(match (dry_run, done.already) {
            (true, _) => format!("would sign out {} sessions", done.revoked),
            (false, true) => "it was signed out already".to_owned(),
            (false, false) => format!("signed out {} sessions", done.revoked),
        });
        if owed > 0 {
            line(format!(
                "the live connections of {owed} topics are closed by the servers that hold them"
            ));
        }
    })
}

pub(super) async fn expunge(command: Expunge, format: Format) -> Result<(), StartError> {
    const BATCH: u32 = 1000;
    let kernel = command.store.open().await?;
    let (mut records, mut sessions, mut cut_offs) = (0, 0, 0);
    loop {
        let deleted = kernel.expunge(BATCH).await.map_err(failed)?;
        records += u64::from(deleted.records);
        sessions += u64::from(deleted.sessions);
        cut_offs += u64::from(deleted.cut_offs);
        if !deleted.more {
            break;
        }
    }
    kernel.close().await;
    let document = json!({ "records": records, "sessions": sessions, "cut_offs": cut_offs });
    format.answer(&document, |line| {
        line(format!(
            "deleted {records} records, {sessions} sessions and {cut_offs} cut-offs"
        ));
    })
}

pub(super) fn failed(error: Error) -> StartError {
    match error.code().kind() {
        Kind::Input | Kind::NotFound | Kind::Configuration => {
            StartError::config(format!("{}: {}", error.code().as_str(), error.message()))
        }
        _ => StartError::other(format!("{}: {}", error.code().as_str(), error.message())),
    }
}
