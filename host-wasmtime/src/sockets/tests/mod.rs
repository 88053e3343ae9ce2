//! The registry, with a kernel that does as it is told and a clock that stands still.

mod chores;
mod ending;
mod opening;
mod sweeps;
mod time;

use std::time::Duration;

use authkernel::Code;
use authkernel::ports::{Disconnect, Message, Recheck};
use authkernel::types::Verdict;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, timeout};

use crate::broadcast::{Batch, Event};
use crate::sockets::fixtures::{Script, admit, identity, told};
use crate::sockets::{Change, LiveSocket, LiveSockets, Reason, Settings};

struct Fixture {
    script: Script,
    broker: UnboundedSender<Event>,
    sockets: LiveSockets,
}

impl Fixture {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let script = Script::default();
        for sid in ["s1", "s2", "s3"] {
            script.token(&format!("t-{sid}"), identity("u", sid));
        }
        let (broker, listen) = told();
        let mut settings = Settings {
            // Off unless a test is about it: far beyond any deadline used here.
            sweep_every: Duration::from_secs(1_000_000),
            upkeep: None,
            ..Settings::default()
        };
        change(&mut settings);
        let sockets = LiveSockets::start(script.clone(), listen, settings);
        Self {
            script,
            broker,
            sockets,
        }
    }

    async fn open(&self, sid: &str) -> LiveSocket {
        let token = format!("t-{sid}");
        self.sockets.open(admit(&token), "web").await.unwrap()
    }

    fn tell(&self, messages: Vec<Message>) {
        self.broker
            .send(Event::Messages(Batch::now(messages)))
            .unwrap();
    }

    fn recheck(&self, sid: &str) {
        self.tell(vec![Message::Recheck(Recheck {
            sid: Some(sid.into()),
            ..Recheck::default()
        })]);
    }
}

fn disconnect(endpoint: &str, sid: &str) -> Message {
    Message::Disconnect(Disconnect {
        endpoint: endpoint.into(),
        topic: format!("users_sessions:{sid}"),
    })
}

/// Long enough for everything that is due now: the clock stands still while anything can run.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}
