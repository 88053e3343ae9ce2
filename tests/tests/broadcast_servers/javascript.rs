//! The adapters of the JavaScript package on the same channel.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use authkernel::ports::{Broadcast, Message, Recheck};
use serde_json::{Value, json};

use crate::brokers::*;

crate::each_broker!(node_understands_what_rust_says_and_the_other_way_round);

/// A Node process that publishes what it is told and tells what it hears.
struct Talker {
    child: Child,
    lines: Receiver<String>,
}

impl Talker {
    /// Nothing where the JavaScript package was not built, or its tests not installed, which is said loudly.
    fn start<B: Broker>(server: &B) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings-js");
        let folder = root.join("test/servers");
        // The folder of the package itself is linked from among those that are installed.
        let package = folder.join("node_modules/authkernel/dist");
        if !package.is_dir() {
            eprintln!(
                "\n*** SKIPPED: the JavaScript package is not built, or its tests are not installed \
                 (`cargo xtask test` does both); nobody speaks JavaScript here ***\n"
            );
            return None;
        }
        let (kind, options) = match B::NAME {
            "redis" => ("ioredis", Value::Null),
            "nats" => ("nats 3", Value::Null),
            _ => {
                let port = server.port();
                let options = json!({"host": "127.0.0.1", "port": port, "user": "test", "database": "postgres"});
                ("postgres", options)
            }
        };
        let mut child = Command::new("node")
            .args(["talker.mjs", kind])
            .arg(json!({"port": server.port(), "options": options}).to_string())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let talker = Self { child, lines };
        assert_eq!(talker.line(), "listening");
        Some(talker)
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line in time")
    }

    fn publish(&mut self, messages: &[Value]) {
        let mut input = self.child.stdin.as_ref().unwrap();
        writeln!(input, "{}", Value::from(messages)).unwrap();
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const STRANGE: &str = "a.b:c*d>e/f'g\"h\\i j%00\nk\0 🦀 Zoë";

/// The same messages, as they are here and there.
fn messages() -> (Vec<Message>, Vec<Value>) {
    let count = 2_000;
    let mut here = disconnects(count);
    let disconnect_there = |topic: String| json!({"kind": "disconnect", "endpoint": "web", "topic": topic, "event": "disconnect", "payload": {}});
    let topic = |number| disconnect_there(format!("users_sessions:{number}"));
    let mut there: Vec<Value> = (0..count).map(topic).collect();
    here.push(disconnect(STRANGE));
    there.push(disconnect_there(STRANGE.into()));
    here.push(Message::Recheck(Recheck {
        tenant: Some(STRANGE.into()),
        subject: Some("user?id=42".into()),
        purpose: Some("user".into()),
        sid: Some("s1".into()),
        kid: Some("k1".into()),
    }));
    there.push(json!({
        "kind": "recheck", "tenant": STRANGE, "subject": "user?id=42", "purpose": "user", "sid": "s1", "kid": "k1",
    }));
    here.push(Message::Recheck(Recheck::default()));
    there.push(json!({"kind": "recheck"}));
    (here, there)
}

async fn node_understands_what_rust_says_and_the_other_way_round<B: Broker>(server: B) {
    let Some(mut talker) = Talker::start(&server) else {
        return;
    };
    let adapter = server.open(patient()).await;
    let mut subscription = adapter.listen().await.unwrap();
    let (here, there) = messages();

    assert!(all_taken(&adapter.publish(here.clone()).await));
    assert_eq!(hear(&mut subscription, here.len()).await, here);
    for message in &there {
        let heard: Value = serde_json::from_str(&talker.line()).unwrap();
        assert_eq!(heard, *message);
    }

    talker.publish(&there);
    assert_eq!(hear(&mut subscription, here.len()).await, here);
    assert_eq!(adapter.strangers(), 0);
}
