//! Those who listen in this process: each has a queue of its own, and none of them can hold up another.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::packets::unpack;
use super::task::Task;
use super::{Batch, Event, Listen};

/// How many bytes of packets a subscription holds, whatever the number of messages: others may write large ones.
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// All subscriptions of one adapter.
#[derive(Debug)]
pub(super) struct Listeners {
    capacity: usize,
    ignored: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    away: bool,
    queues: Vec<Arc<Queue>>,
}

impl Listeners {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            ignored: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// Adds one, which keeps `task` running. One that comes while the broker is away is told so.
    pub(super) fn add(self: &Arc<Self>, task: Arc<Task>) -> Subscription {
        let queue = Arc::new(Queue::default());
        let mut state = lock(&self.state);
        if state.away {
            queue.tell(Event::Lost);
        }
        state.queues.push(Arc::clone(&queue));
        Subscription {
            listeners: Arc::clone(self),
            queue,
            _task: task,
        }
    }

    /// Reads a packet and hands over what is in it.
    pub(super) fn receive(&self, packet: &[u8]) {
        if lock(&self.state).queues.is_empty() {
            return;
        }
        let unpacked = unpack(packet);
        self.ignored.fetch_add(unpacked.ignored, Ordering::Relaxed);
        if unpacked.messages.is_empty() {
            return;
        }
        let batch = Batch::now(unpacked.messages);
        for queue in &lock(&self.state).queues {
            queue.push(batch.clone(), packet.len(), self.capacity);
        }
    }

    /// The broker is away; says so once.
    pub(super) fn lost(&self) {
        self.turn(true);
    }

    /// The broker is back, and hears; says so once.
    pub(super) fn restored(&self) {
        self.turn(false);
    }

    fn turn(&self, away: bool) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.away, away) == away {
            return;
        }
        for queue in &state.queues {
            queue.tell(if away { Event::Lost } else { Event::Restored });
        }
    }

    /// At least so many messages were dropped before they came here.
    #[cfg(any(feature = "nats", test))]
    pub(super) fn missed(&self, messages: u64) {
        for queue in &lock(&self.state).queues {
            queue.miss(messages);
        }
    }

    /// How many entries were received that are no message.
    pub(super) fn ignored(&self) -> u64 {
        self.ignored.load(Ordering::Relaxed)
    }
}

/// The receiving end of a broker's adapter. Dropping it ends the subscription.
///
/// It goes on when the adapter that it came from was dropped, and never ends by itself.
#[derive(Debug)]
pub struct Subscription {
    listeners: Arc<Listeners>,
    queue: Arc<Queue>,
    _task: Arc<Task>,
}

impl Subscription {
    /// The next event. What was missed is told first: then the messages that are still there follow.
    pub async fn recv(&mut self) -> Event {
        loop {
            // Made before the look, so that nothing that is pushed in between is slept through.
            let pushed = self.queue.pushed.notified();
            match self.queue.pop() {
                Some(event) => return event,
                None => pushed.await,
            }
        }
    }
}

impl Listen for Subscription {
    async fn recv(&mut self) -> Option<Event> {
        Some(Subscription::recv(self).await)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = lock(&self.listeners.state);
        state
            .queues
            .retain(|queue| !Arc::ptr_eq(queue, &self.queue));
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    pushed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Each with the bytes of the packet that it came in.
    events: VecDeque<(Event, usize)>,
    messages: usize,
    bytes: usize,
    missed: u64,
}

impl Queue {
    fn push(&self, batch: Batch, bytes: usize, capacity: usize) {
        let count = batch.messages.len();
        let mut waiting = lock(&self.waiting);
        let fits = waiting.messages.saturating_add(count) <= capacity
            && waiting.bytes.saturating_add(bytes) <= MAX_WAITING_BYTES;
        if fits || waiting.messages == 0 {
            waiting.messages = waiting.messages.saturating_add(count);
            waiting.bytes = waiting.bytes.saturating_add(bytes);
            waiting.events.push_back((Event::Messages(batch), bytes));
        } else {
            waiting.missed = waiting.missed.saturating_add(count as u64);
        }
        drop(waiting);
        self.pushed.notify_one();
    }

    /// A change of the connection. A broker that comes and goes does not make the queue grow: of changes without
    /// messages between them only the last matters, and that the connection was lost.
    fn tell(&self, event: Event) {
        let mut waiting = lock(&self.waiting);
        match (waiting.events.back(), &event) {
            (Some((Event::Restored, _)), Event::Lost) => {
                waiting.events.pop_back();
                if !matches!(waiting.events.back(), Some((Event::Lost, _))) {
                    waiting.events.push_back((event, 0));
                }
            }
            _ => waiting.events.push_back((event, 0)),
        }
        drop(waiting);
        self.pushed.notify_one();
    }

    #[cfg(any(feature = "nats", test))]
    fn miss(&self, messages: u64) {
        let mut waiting = lock(&self.waiting);
        waiting.missed = waiting.missed.saturating_add(messages);
        drop(waiting);
        self.pushed.notify_one();
    }

    fn pop(&self) -> Option<Event> {
        let mut waiting = lock(&self.waiting);
        if waiting.missed > 0 {
            let missed = std::mem::take(&mut waiting.missed);
            return Some(Event::Lagged { missed });
        }
        let (event, bytes) = waiting.events.pop_front()?;
        if let Event::Messages(batch) = &event {
            waiting.messages = waiting.messages.saturating_sub(batch.messages.len());
            waiting.bytes = waiting.bytes.saturating_sub(bytes);
        }
        Some(event)
    }
}

/// Nothing that holds one of these locks can panic half-way, so what a poisoned one guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn listen(listeners: &Arc<Listeners>) -> Subscription {
        listeners.add(Arc::new(Task::none()))
    }

    /// A packet of so many messages.
    fn packet(count: usize) -> String {
        let entries = vec![r#"{"kind":"recheck"}"#; count];
        format!("[{}]", entries.join(","))
    }

    /// All that waits, as words.
    fn waiting(subscription: &mut Subscription) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(event) = subscription.recv().now_or_never() {
            words.push(match event {
                Event::Messages(batch) => batch.messages.len().to_string(),
                Event::Lagged { missed } => format!("missed {missed}"),
                Event::Lost => "lost".into(),
                Event::Restored => "restored".into(),
            });
        }
        words
    }

    #[tokio::test]
    async fn every_one_hears_in_order_and_is_told_of_the_connection_once() {
        let listeners = Arc::new(Listeners::new(10));
        let mut first = listen(&listeners);
        listeners.receive(packet(2).as_bytes());
        listeners.restored();
        listeners.lost();
        listeners.lost();
        let mut late = listen(&listeners);
        listeners.restored();
        listeners.restored();
        listeners.receive(packet(1).as_bytes());
        assert_eq!(waiting(&mut first), ["2", "lost", "restored", "1"]);
        assert_eq!(waiting(&mut late), ["lost", "restored", "1"]);
    }

    #[tokio::test]
    async fn one_that_is_slow_is_told_first_and_holds_no_more_than_it_may() {
        let listeners = Arc::new(Listeners::new(3));
        let mut slow = listen(&listeners);
        for count in [2, 2, 1] {
            listeners.receive(packet(count).as_bytes());
        }
        listeners.missed(4);
        assert_eq!(waiting(&mut slow), ["missed 6", "2", "1"]);
        listeners.receive(packet(5).as_bytes());
        assert_eq!(waiting(&mut slow), ["5"]);
    }

    #[tokio::test]
    async fn large_packets_are_bounded_by_their_bytes() {
        let listeners = Arc::new(Listeners::new(1_000));
        let mut slow = listen(&listeners);
        let text = "x".repeat(MAX_WAITING_BYTES / 2);
        let large = format!(r#"{{"kind":"recheck","sid":"{text}"}}"#);
        for _ in 0..3 {
            listeners.receive(large.as_bytes());
        }
        assert_eq!(waiting(&mut slow), ["missed 2", "1"]);
    }

    #[tokio::test]
    async fn a_broker_that_comes_and_goes_does_not_fill_a_queue() {
        let listeners = Arc::new(Listeners::new(10));
        let mut slow = listen(&listeners);
        listeners.receive(packet(1).as_bytes());
        for _ in 0..1_000 {
            listeners.lost();
            listeners.restored();
        }
        assert_eq!(lock(&slow.queue.waiting).events.len(), 3);
        assert_eq!(waiting(&mut slow), ["1", "lost", "restored"]);
        listeners.lost();
        assert_eq!(waiting(&mut slow), ["lost"]);
        listeners.restored();
        listeners.lost();
        assert_eq!(waiting(&mut slow), ["lost"]);
    }

    #[tokio::test]
    async fn what_is_no_message_is_counted() {
        let listeners = Arc::new(Listeners::new(10));
        let mut subscription = listen(&listeners);
        listeners.receive(br#"[1,{"kind":"recheck"},"a"]"#);
        listeners.receive(b"no json");
        assert_eq!(waiting(&mut subscription), ["1"]);
        assert_eq!(listeners.ignored(), 3);
    }

    #[tokio::test]
    async fn one_that_waits_is_woken_and_one_that_left_is_forgotten() {
        let listeners = Arc::new(Listeners::new(10));
        let mut waits = listen(&listeners);
        assert!(waits.recv().now_or_never().is_none());
        let task = tokio::spawn(async move { waits.recv().await });
        tokio::task::yield_now().await;
        listeners.receive(packet(1).as_bytes());
        assert!(matches!(task.await.unwrap(), Event::Messages(_)));
        assert!(lock(&listeners.state).queues.is_empty());
    }
}
