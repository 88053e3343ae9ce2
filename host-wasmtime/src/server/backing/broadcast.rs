//! Any of the broadcasts that a server can be given, and the other end of it.

use authkernel::ports::{Broadcast, BroadcastError, Message};

use super::super::start::StartError;
use super::{Backends, BroadcastPlan, unusable};
use crate::broadcast::in_process::{InProcess, Subscription as InProcessSubscription};
use crate::broadcast::nats::NatsBroadcast;
use crate::broadcast::postgres::PostgresBroadcast;
use crate::broadcast::redis::RedisBroadcast;
use crate::broadcast::{Event, Listen, Subscription};

/// One of the broadcasts. Clones share it.
#[derive(Clone, Debug)]
pub(crate) enum AnyBroadcast {
    /// All live connections are this process's.
    InProcess(InProcess),
    /// Live connections are everywhere.
    Broker {
        /// Who tells all of them.
        broker: Broker,
        /// Tells those of this process what the broker did not take.
        here: InProcess,
    },
}

/// One of the brokers.
#[derive(Clone, Debug)]
pub(crate) enum Broker {
    Redis(RedisBroadcast),
    Nats(NatsBroadcast),
    Postgres(PostgresBroadcast),
}

impl AnyBroadcast {
    /// Connects to what was chosen.
    pub(crate) async fn connect(plan: &BroadcastPlan) -> Result<Self, StartError> {
        let here = InProcess::new();
        let (url, broker) = match plan {
            BroadcastPlan::InProcess => return Ok(Self::InProcess(here)),
            BroadcastPlan::Redis(url) => {
                let broker = RedisBroadcast::connect(url.reveal()).await;
                (url, broker.map(Broker::Redis))
            }
            BroadcastPlan::Nats(url) => {
                let broker = NatsBroadcast::connect(url.reveal()).await;
                (url, broker.map(Broker::Nats))
            }
            BroadcastPlan::Postgres(url) => {
                let broker = PostgresBroadcast::connect(url.reveal()).await;
                (url, broker.map(Broker::Postgres))
            }
        };
        let broker = broker.map_err(|error| unusable("--broadcast", url, &error))?;
        Ok(Self::Broker { broker, here })
    }

    /// Hears everything that is published from now on, by whichever server.
    pub(crate) async fn subscribe(&self, backends: &Backends) -> Result<AnyListener, StartError> {
        let (broker, here) = match self {
            Self::InProcess(here) => return Ok(AnyListener::InProcess(here.subscribe())),
            Self::Broker { broker, here } => (broker, here),
        };
        let subscribed = match broker {
            Broker::Redis(broker) => broker.subscribe().await,
            Broker::Nats(broker) => broker.subscribe().await,
            Broker::Postgres(broker) => broker.subscribe().await,
        };
        match (subscribed, backends.broadcast_plan()?.url()) {
            (Ok(broker), _) => Ok(AnyListener::Broker {
                broker,
                here: here.subscribe(),
            }),
            (Err(error), Some(url)) => Err(unusable("--broadcast", url, &error)),
            (Err(error), None) => Err(StartError::other(error.to_string())),
        }
    }
}

impl Broadcast for AnyBroadcast {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        match self {
            Self::InProcess(here) => here.publish(messages).await,
            Self::Broker { broker, here } => Box::pin(publish(broker, here, messages)).await,
        }
    }
}

/// What the broker does not take stays owed to everybody; the live connections of this process hear of it at once.
async fn publish(
    broker: &Broker,
    here: &InProcess,
    messages: Vec<Message>,
) -> Vec<Result<(), BroadcastError>> {
    let told = messages.clone();
    let answers = match broker {
        Broker::Redis(broker) => broker.publish(messages).await,
        Broker::Nats(broker) => broker.publish(messages).await,
        Broker::Postgres(broker) => broker.publish(messages).await,
    };
    let left: Vec<Message> = told
        .into_iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.is_err())
        .map(|(message, _)| message)
        .collect();
    if !left.is_empty() {
        here.publish(left).await;
    }
    answers
}

/// The receiving end of an [`AnyBroadcast`].
#[derive(Debug)]
pub(crate) enum AnyListener {
    /// Of this process.
    InProcess(InProcessSubscription),
    /// Of the broker, and what it did not take.
    Broker {
        broker: Subscription,
        here: InProcessSubscription,
    },
}

impl Listen for AnyListener {
    async fn recv(&mut self) -> Option<Event> {
        match self {
            Self::InProcess(here) => here.recv().await,
            Self::Broker { broker, here } => tokio::select! {
                event = broker.recv() => Some(event),
                // It ends when nobody can publish any more; the broker is still heard.
                Some(event) = here.recv() => Some(event),
            },
        }
    }
}
