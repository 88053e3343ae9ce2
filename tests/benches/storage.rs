//! SQLite with a thousand and with a million records of other subjects: what one subject pays for the others.
//!
//! Both files are asked in turns, through the component, as a server asks. A subject has ten sessions; many subjects
//! take turns too, so that not one handful of pages is read for ever.

mod support;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use authkernel::ports::Ports;
use authkernel::types::{Authenticate, SignOutEverywhere};
use authkernel_wasmtime::storage::sqlite::SqliteStorage;
use authkernel_wasmtime::{Authenticator, SystemClock, SystemRandom};
use criterion::Criterion;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use support::keys;
use support::race::{self, Contender, Timing};
use support::report::{self, Ratios};
use support::setting::{self, PURPOSE, TakesAll};

/// Records of other subjects.
const SIZES: [(&str, u64); 2] = [("1,000 records", 1_000), ("1,000,000 records", 1_000_000)];
/// Subjects that are measured.
const SUBJECTS: usize = 50;
/// Sessions of each.
const SESSIONS: usize = 10;
/// How many sign-outs are timed for each file.
const SIGN_OUTS: usize = 200;
/// How much longer the large file may take.
const TARGET: f64 = 2.0;

const AUTHENTICATE: &str = "storage/authenticate";
const SIGN_OUT: &str = "storage/sign_out_everywhere";

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let wants = |name: &str| report::wants(std::iter::once(name));
    let wanted = wants(AUTHENTICATE) || wants(SIGN_OUT);
    if !wanted || (!report::measures() && !profiles()) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime starts");
    let services = SIZES.map(|(name, others)| runtime.block_on(Service::start(name, others)));

    let mut contenders: Vec<_> = services
        .iter()
        .map(|service| service.contender(&runtime))
        .collect();
    race::criterion(&mut criterion, AUTHENTICATE, &mut contenders);
    if report::measures() {
        report::begin("storage");
        let mut ratios = Ratios::new("SQLite: a million records of others against a thousand");
        if wants(AUTHENTICATE) {
            let timings = race::race(&mut contenders);
            report::medians("SQLite: authenticate", &timings).publish("storage");
            ratios.add("authenticate", &timings[1], &timings[0], Some(TARGET));
        }
        if wants(SIGN_OUT) {
            let timings = runtime.block_on(sign_outs(&services));
            let title = "SQLite: sign-out everywhere of a subject with 10 sessions, on disk when it returns";
            report::medians(title, &timings).publish("storage");
            ratios.add(
                "sign-out everywhere",
                &timings[1],
                &timings[0],
                Some(TARGET),
            );
        }
        ratios.publish("storage");
    }
    criterion.final_summary();
}

fn profiles() -> bool {
    std::env::args().any(|argument| argument == "--profile-time")
}

/// A service with its own file.
struct Service {
    name: &'static str,
    authenticator: Authenticator<Ports<SqliteStorage, TakesAll, SystemClock, SystemRandom>>,
    /// Of all measured subjects, one subject after the other.
    tokens: Vec<String>,
    _folder: TempDir,
}

impl Service {
    async fn start(name: &'static str, others: u64) -> Self {
        eprintln!("filling a file with {name} of others …");
        let folder = tempfile::tempdir().expect("a folder is made");
        let file = folder.path().join("bench.db");
        let storage = SqliteStorage::open(&file).expect("the file opens");
        fill(&file, others).expect("the file is filled");
        let authenticator = Authenticator::builder()
            .policy(&setting::policy())
            .keys(&setting::key_set(&keys::hs256()))
            .storage(storage)
            .broadcast(TakesAll)
            .build()
            .await
            .expect("the authenticator starts");
        let mut service = Self {
            name,
            authenticator,
            tokens: Vec::new(),
            _folder: folder,
        };
        for number in 0..SUBJECTS {
            let tokens = service.sign_in(&format!("measured-{number}")).await;
            service.tokens.extend(tokens);
        }
        for token in &service.tokens {
            service.authenticate(token).await;
        }
        service
    }

    async fn sign_in(&self, subject: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        for _ in 0..SESSIONS {
            let issued = self.authenticator.issue(setting::issue(subject)).await;
            tokens.push(issued.expect("a token is issued").token);
        }
        tokens
    }

    async fn authenticate(&self, token: &str) {
        let request = Authenticate {
            token: token.to_owned(),
            purposes: vec![PURPOSE.to_owned()],
            tenant: None,
        };
        let identity = self.authenticator.authenticate(request).await;
        black_box(identity.expect("the token is good"));
    }

    fn contender<'a>(&'a self, runtime: &'a Runtime) -> Contender<'a> {
        let mut tokens = self.tokens.iter().cycle();
        Contender::new(self.name, move |times| {
            runtime.block_on(async {
                let start = Instant::now();
                for token in tokens
                    .by_ref()
                    .take(usize::try_from(times).unwrap_or(usize::MAX))
                {
                    self.authenticate(token).await;
                }
                start.elapsed()
            })
        })
    }

    async fn sign_out(&self, subject: &str) -> Duration {
        let request = SignOutEverywhere::subject(None, subject);
        let start = Instant::now();
        let report = self.authenticator.sign_out_everywhere(request).await;
        let taken = start.elapsed();
        let report = report.expect("the subject is signed out");
        assert_eq!(
            (report.revoked, report.disconnected),
            (SESSIONS as u32, SESSIONS as u32)
        );
        taken
    }
}

/// The files take turns; the sign-ins between are not timed.
async fn sign_outs(services: &[Service]) -> Vec<Timing> {
    let mut taken = vec![Vec::new(); services.len()];
    for round in 0..SIGN_OUTS {
        for turn in 0..services.len() {
            let place = (round + turn) % services.len();
            let subject = format!("leaving-{round}");
            services[place].sign_in(&subject).await;
            taken[place].push(services[place].sign_out(&subject).await.as_nanos() as f64);
        }
    }
    let timings = services.iter().zip(taken);
    timings
        .map(|(service, taken)| Timing::new(service.name, taken))
        .collect()
}

/// Others with ten sessions each, one token in each session, written by a connection of its own: what is measured is
/// a file, not the log of how it was filled.
fn fill(file: &Path, others: u64) -> rusqlite::Result<()> {
    const AT_ONCE: u64 = 100_000;
    let now = SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("it is past 1970")
        .as_secs();
    let sql = Connection::open(file)?;
    sql.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;")?;
    for first in (0..others).step_by(AT_ONCE as usize) {
        sql.execute_batch(&rows(first, others.min(first + AT_ONCE), now))?;
    }
    sql.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")
}

/// Identifiers look like those of the kernel: nothing in them says when they were made, so that rows of one subject
/// lie all over the file.
fn rows(first: u64, last: u64, now: u64) -> String {
    let numbers = format!(
        "WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {last}),
         ids AS (SELECT n, 'subject-' || (n / {SESSIONS}) AS subject,
                 lower(hex(randomblob(13))) AS sid, lower(hex(randomblob(13))) AS jti FROM numbers)"
    );
    let until = now + 14 * 24 * 3600;
    format!(
        "BEGIN;
         CREATE TEMP TABLE others AS {numbers} SELECT * FROM ids;
         INSERT INTO sessions (tenant, sid, subject, device, created_at, last_seen, ends_at)
             SELECT '', sid, subject, 'Firefox on Linux', {now}, {now}, {until} FROM others ORDER BY sid;
         INSERT INTO records (tenant, jti, sid, subject, purpose, kid, issued_at, expires_at, epoch, extra_data,
                              created_at, status)
             SELECT '', jti, sid, subject, '{PURPOSE}', '2025-11', {now}, {until}, 0,
                    '{{\"app_version\":\"2025.11.2\",\"role\":\"editor\"}}', {now}, 0 FROM others;
         INSERT INTO subjects (tenant, subject, epoch)
             SELECT DISTINCT '', subject, 1 FROM others WHERE true ON CONFLICT DO NOTHING;
         DROP TABLE others;
         COMMIT;"
    )
}
