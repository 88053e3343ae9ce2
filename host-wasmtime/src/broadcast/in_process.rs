//! Broadcast inside one process: what a service that runs as a single process needs, and what tests use.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use authkernel::ports::{Broadcast, BroadcastError, Message};
use tokio::sync::Notify;

use super::{Batch, DEFAULT_CAPACITY, Event, Listen};

/// Hands messages to every subscription of this process. Clones share everything.
///
/// Publishing never waits: a subscription that is full misses the messages and is told so
/// ([`Event::Lagged`]), so that one that is stuck can hold up nobody. With no subscription at all, every message
/// counts as delivered: this process holds no live connection then.
#[derive(Clone, Debug)]
pub struct InProcess {
    hub: Arc<Hub>,
}

impl InProcess {
    /// A broadcast whose subscriptions hold [`DEFAULT_CAPACITY`] messages each.
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// A broadcast whose subscriptions hold this many messages each. A single call with more of them is still
    /// taken by a subscription that has nothing waiting.
    pub fn with_capacity(messages: usize) -> Self {
        Self {
            hub: Arc::new(Hub {
                capacity: messages.max(1),
                queues: Mutex::default(),
            }),
        }
    }

    /// Receives every message that is published from now on.
    pub fn subscribe(&self) -> Subscription {
        let queue = Arc::new(Queue::default());
        lock(&self.hub.queues).push(Arc::clone(&queue));
        Subscription {
            hub: Arc::downgrade(&self.hub),
            queue,
        }
    }

    fn hand_over(&self, messages: Vec<Message>) {
        let batch = Batch::now(messages);
        // The lock is held for all subscriptions, so that each sees the same order.
        for queue in lock(&self.hub.queues).iter() {
            queue.push(batch.clone(), self.hub.capacity);
        }
    }
}

impl Default for InProcess {
    fn default() -> Self {
        Self::new()
    }
}

impl Broadcast for InProcess {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        let answers = vec![Ok(()); messages.len()];
        if !messages.is_empty() {
            self.hand_over(messages);
        }
        answers
    }
}

/// The receiving end of an [`InProcess`]. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    hub: Weak<Hub>,
    queue: Arc<Queue>,
}

impl Subscription {
    /// The next event; `None` once every [`InProcess`] was dropped and nothing is waiting. What was missed is told
    /// first: then the messages that are still there follow.
    pub async fn recv(&mut self) -> Option<Event> {
        loop {
            // Made before the look, so that nothing that is pushed in between is slept through.
            let pushed = self.queue.pushed.notified();
            match self.queue.pop() {
                Popped::Event(event) => return Some(event),
                Popped::Closed => return None,
                Popped::Nothing => pushed.await,
            }
        }
    }
}

impl Listen for Subscription {
    async fn recv(&mut self) -> Option<Event> {
        Subscription::recv(self).await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            lock(&hub.queues).retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        }
    }
}

#[derive(Debug)]
struct Hub {
    capacity: usize,
    queues: Mutex<Vec<Arc<Queue>>>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        for queue in lock(&self.queues).drain(..) {
            lock(&queue.waiting).closed = true;
            queue.pushed.notify_one();
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    pushed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    batches: VecDeque<Batch>,
    messages: usize,
    missed: u64,
    closed: bool,
}

enum Popped {
    Event(Event),
    Nothing,
    Closed,
}

impl Queue {
    fn push(&self, batch: Batch, capacity: usize) {
        let count = batch.messages.len();
        let mut waiting = lock(&self.waiting);
        if waiting.batches.is_empty() || waiting.messages.saturating_add(count) <= capacity {
            waiting.messages = waiting.messages.saturating_add(count);
            waiting.batches.push_back(batch);
        } else {
            waiting.missed = waiting.missed.saturating_add(count as u64);
        }
        drop(waiting);
        self.pushed.notify_one();
    }

    fn pop(&self) -> Popped {
        let mut waiting = lock(&self.waiting);
        if waiting.missed > 0 {
            return Popped::Event(Event::Lagged {
                missed: std::mem::take(&mut waiting.missed),
            });
        }
        match waiting.batches.pop_front() {
            Some(batch) => {
                waiting.messages = waiting.messages.saturating_sub(batch.messages.len());
                Popped::Event(Event::Messages(batch))
            }
            None if waiting.closed => Popped::Closed,
            None => Popped::Nothing,
        }
    }
}

/// Nothing that holds one of these locks can panic half-way, so what a poisoned one guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use authkernel::ports::Disconnect;
    use futures_util::FutureExt;

    use super::*;

    fn disconnect(topic: usize) -> Message {
        Message::Disconnect(Disconnect {
            endpoint: "web".into(),
            topic: topic.to_string(),
        })
    }

    fn topics(event: Option<Event>) -> Vec<String> {
        let Some(Event::Messages(batch)) = event else {
            panic!("expected messages, got {event:?}");
        };
        let topic = |message: &Message| match message {
            Message::Disconnect(disconnect) => disconnect.topic.clone(),
            Message::Recheck(_) => panic!("expected a disconnect"),
        };
        batch.messages.iter().map(topic).collect()
    }

    #[tokio::test]
    async fn every_subscription_gets_every_message_in_order() {
        let broadcast = InProcess::new();
        let mut first = broadcast.subscribe();
        let mut second = broadcast.clone().subscribe();
        let answers = broadcast.publish(vec![disconnect(1), disconnect(2)]).await;
        assert_eq!(answers, [Ok(()), Ok(())]);
        broadcast.publish(vec![disconnect(3)]).await;
        for subscription in [&mut first, &mut second] {
            assert_eq!(topics(subscription.recv().await), ["1", "2"]);
            assert_eq!(topics(subscription.recv().await), ["3"]);
        }
    }

    #[tokio::test]
    async fn publishing_nothing_does_nothing() {
        let broadcast = InProcess::new();
        let mut subscription = broadcast.subscribe();
        assert!(broadcast.publish(Vec::new()).await.is_empty());
        drop(broadcast);
        assert!(subscription.recv().await.is_none());
    }

    #[tokio::test]
    async fn a_receiver_that_waits_is_woken_and_a_dropped_wait_loses_nothing() {
        let broadcast = InProcess::new();
        let mut subscription = broadcast.subscribe();
        assert!(subscription.recv().now_or_never().is_none());
        broadcast.publish(vec![disconnect(1)]).await;
        assert_eq!(topics(subscription.recv().await), ["1"]);
        let task = tokio::spawn(async move { topics(subscription.recv().await) });
        tokio::task::yield_now().await;
        broadcast.publish(vec![disconnect(2)]).await;
        assert_eq!(task.await.unwrap(), ["2"]);
    }

    #[tokio::test]
    async fn a_receiver_that_is_too_slow_is_told_first_and_keeps_what_it_has() {
        let broadcast = InProcess::with_capacity(3);
        let mut subscription = broadcast.subscribe();
        broadcast.publish(vec![disconnect(1), disconnect(2)]).await;
        broadcast.publish(vec![disconnect(3), disconnect(4)]).await;
        broadcast.publish(vec![disconnect(5)]).await;
        let lagged = subscription.recv().await;
        assert!(
            matches!(lagged, Some(Event::Lagged { missed: 2 })),
            "{lagged:?}"
        );
        assert_eq!(topics(subscription.recv().await), ["1", "2"]);
        assert_eq!(topics(subscription.recv().await), ["5"]);
    }

    #[tokio::test]
    async fn one_call_with_more_than_the_capacity_is_taken_whole() {
        let broadcast = InProcess::with_capacity(10);
        let mut subscription = broadcast.subscribe();
        broadcast
            .publish((0..10_000).map(disconnect).collect())
            .await;
        assert_eq!(topics(subscription.recv().await).len(), 10_000);
    }

    #[tokio::test]
    async fn what_waits_is_still_received_after_the_last_publisher_is_gone() {
        let broadcast = InProcess::new();
        let mut subscription = broadcast.subscribe();
        broadcast.publish(vec![disconnect(1)]).await;
        drop(broadcast);
        assert_eq!(topics(subscription.recv().await), ["1"]);
        assert!(subscription.recv().await.is_none());
        assert!(subscription.recv().await.is_none());
    }

    #[tokio::test]
    async fn a_dropped_subscription_is_forgotten() {
        let broadcast = InProcess::new();
        drop(broadcast.subscribe());
        assert!(lock(&broadcast.hub.queues).is_empty());
    }
}
