//! One store, written by Rust and by Node at the same time: each sees at once what the other did.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use authkernel::ports::Storage;
use authkernel::record::{FindQuery, MatchingRevocation, SessionStatus, Status};
use authkernel::testing::contract::fixtures::{
    NOW, epoch, everything, is_live, open, record, status, stored, stored_session,
};
use authkernel_tests::services::postgres::Postgres;
use authkernel_tests::services::redis::Redis;
use authkernel_wasmtime::storage::postgres::PostgresStorage;
use authkernel_wasmtime::storage::redis::RedisStorage;
use serde_json::{Value, json};

/// Calls of a storage in Node, one line each.
const SCRIPT: &str = r#"
import { createInterface } from "node:readline";
const url = process.argv.at(-1);
let storage;
if (url.startsWith("postgres")) {
  const { postgresStorage } = await import("authkernel/storage/postgres");
  const { default: pg } = await import("pg");
  storage = postgresStorage({ pool: new pg.Pool({ connectionString: url }) });
  await storage.migrate();
} else {
  const { redisStorage } = await import("authkernel/storage/redis");
  const { createClient } = await import("redis");
  const client = createClient({ url, disableOfflineQueue: true });
  await client.connect();
  storage = redisStorage({ client });
}
await storage.check();
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const { call, argument } = JSON.parse(line);
  const answer = await storage[call](argument).then((value) => ({ value }), (error) => ({ error: String(error.kind) }));
  console.log(JSON.stringify(answer));
}
process.exit(0);
"#;

/// A storage of Node on the same server.
struct Node {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Node {
    /// Nothing when Node or its packages are not installed, which is said loudly.
    fn start(url: &str) -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../bindings-js/test/servers");
        let packages = ["pg", "redis", "authkernel/dist"];
        let installed = packages
            .iter()
            .all(|name| folder.join("node_modules").join(name).exists());
        let start = || {
            Command::new("node")
                .args(["--input-type=module", "-e", SCRIPT, "--", url])
                .current_dir(&folder)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .ok()
        };
        let Some(mut child) = installed.then(start).flatten() else {
            eprintln!(
                "\n*** SKIPPED: node or the packages of bindings-js/test/servers are not installed; \
                 the test that needs them did nothing ***\n"
            );
            return None;
        };
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut node = Self {
            child,
            input,
            output,
        };
        assert_eq!(node.hear(), "ready");
        Some(node)
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("node answers");
        line.trim_end().to_owned()
    }

    fn call(&mut self, name: &str, argument: &Value) -> Value {
        writeln!(
            self.input,
            "{}",
            json!({"call": name, "argument": argument})
        )
        .expect("node listens");
        let mut answer: Value = serde_json::from_str(&self.hear()).expect("a json answer");
        answer["value"].take()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_shared_with_javascript() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    // Node comes first and migrates; Rust finds it done.
    let url = server.create_database();
    let Some(mut node) = Node::start(&url) else {
        return;
    };
    let storage = PostgresStorage::connect_without_migrating(&url).await;
    let storage = storage.expect("the schema that node has made");
    shared(&storage, &mut node).await;

    // The other way round.
    let url = server.create_database();
    let storage = PostgresStorage::connect(&url).await.expect("a database");
    let mut node = Node::start(&url).expect("it is installed");
    shared(&storage, &mut node).await;
    let durability = storage.durability().await.expect("its settings");
    assert!(durability.is_safe(), "{durability:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_shared_with_javascript() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let Some(mut node) = Node::start(&server.url()) else {
        return;
    };
    let storage = RedisStorage::connect(&server.url()).await;
    shared(&storage.expect("a server"), &mut node).await;
    // Both run the same scripts: none of Rust's had to be sent when Node had sent its own.
    let storage = RedisStorage::connect(&server.url())
        .await
        .expect("a server");
    let mut connection = storage.connection();
    let statistics: String = redis::cmd("INFO")
        .arg("memory")
        .query_async(&mut connection)
        .await
        .expect("its statistics");
    let cached = statistics
        .lines()
        .find_map(|line| line.strip_prefix("number_of_cached_scripts:"))
        .and_then(|number| number.parse::<u32>().ok())
        .expect("a number of scripts");
    assert!(cached <= 11, "{cached} scripts for 11 calls");
}

async fn shared(storage: &impl Storage, node: &mut Node) {
    // What Rust has written, Node reads, every field of it.
    let mut first = record("an\0na 🦀", "s\u{1}", "t\0");
    first.tenant = Some("acme".into());
    let first = open(storage, first).await;
    let asked =
        json!({"tenant": "acme", "jti": first.jti, "sid": first.sid, "subject": first.subject});
    let found = node.call("find", &asked);
    assert_eq!(
        found["record"],
        json!({
            "tenant": "acme", "jti": first.jti, "sid": first.sid, "subject": first.subject, "purpose": first.purpose,
            "kid": first.kid, "issuedAt": first.issued_at, "expiresAt": first.expires_at, "epoch": 0,
            "extraData": first.extra_data, "createdAt": first.created_at, "status": "live", "successors": [],
            "notify": "nothing",
        })
    );
    assert_eq!(found["session"]["device"], "a phone");
    assert_eq!(found["session"]["status"], "live");

    // What Node has written, Rust reads, the same.
    let mut written = found["record"].clone();
    written["jti"] = json!("from node");
    let mut session = found["session"].clone();
    session["sid"] = json!("s2");
    written["sid"] = json!("s2");
    let insertion = json!({"record": written, "session": session, "open": true});
    assert_eq!(node.call("insert", &insertion), json!(0));
    let mut expected = first.clone();
    (expected.jti, expected.sid) = ("from node".into(), "s2".into());
    let stored_by_node = stored(storage, Some("acme"), "from node").await;
    assert_eq!(stored_by_node, Some(expected));

    // What Node revokes, Rust sees at once, disconnects included.
    let revocation = json!({
        "tenant": "acme", "target": {"session": first.sid}, "at": NOW + 1, "reason": "lost\u{0}",
        "notifyPurposes": ["user"], "due": NOW + 1, "limit": 10,
    });
    let revoked = node.call("revoke", &revocation);
    assert_eq!(revoked["outcome"], "revoked");
    let seen = stored(storage, Some("acme"), &first.jti).await;
    let revoked_then = Status::Revoked {
        at: NOW + 1,
        reason: "lost\0".into(),
    };
    assert_eq!(seen.expect("its record").status, revoked_then);
    let ended = stored_session(storage, Some("acme"), &first.sid).await;
    assert!(matches!(
        ended.expect("its session").status,
        SessionStatus::Ended { .. }
    ));
    let claim = json!({"at": NOW + 1, "leaseUntil": NOW + 60, "limit": 10});
    assert_eq!(
        node.call("undelivered", &claim).as_array().map(Vec::len),
        Some(1)
    );

    // What Rust revokes, Node sees at once; their epochs agree.
    open(storage, record("bob", "s3", "t3")).await;
    let all = MatchingRevocation {
        end_sessions: true,
        ..everything("bob")
    };
    let all = storage.revoke_matching(all).await.expect("everything");
    let found = node.call("find", &json!({"jti": "t3", "sid": "s3", "subject": "bob"}));
    assert!(found["record"]["status"]["revoked"].is_object(), "{found}");
    assert!(found["session"]["status"]["ended"].is_object(), "{found}");
    assert_eq!(found["epoch"], json!(all.epoch));
    assert_eq!(epoch(storage, "bob").await, all.epoch);

    // A cut-off of Node kills for Rust.
    let cut_off = json!({"key": {"kid": "k1", "at": NOW, "forgetAt": NOW + 60}});
    node.call("raiseCutOff", &cut_off);
    let query = FindQuery {
        kid: Some("k1".into()),
        ..FindQuery::default()
    };
    let found = storage.find(query).await.expect("it answers");
    assert_eq!(found.cut_offs.len(), 1);

    // One of both wins a token that both use up.
    for round in 0..20 {
        let name = format!("once {round}");
        open(storage, record("carl", &name, &name)).await;
        let consumption = authkernel::testing::contract::fixtures::consumption(
            &record("carl", &name, &name),
            vec![],
        );
        let argument =
            json!({"jti": name, "sid": name, "subject": "carl", "at": NOW, "successors": []});
        let (rust, node_won) = tokio::join!(storage.consume(consumption), async {
            tokio::task::block_in_place(|| node.call("consume", &argument))
        });
        let rust_won = matches!(
            rust.expect("an answer"),
            authkernel::record::Consumed::Won { .. }
        );
        assert_ne!(
            rust_won,
            node_won.get("won").is_some(),
            "{name}: {node_won}"
        );
        assert!(!is_live(storage, &name).await);
        assert!(matches!(
            status(storage, &name).await,
            Status::Consumed { .. }
        ));
    }
}
