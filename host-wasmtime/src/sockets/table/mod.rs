//! Where the live connections of a process are found: by topic, subject, session, key, tenant and deadline.
//!
//! One table under one lock. Every hold is short: a registration touches a handful of entries, and even a message
//! with ten thousand topics is looked up in a few milliseconds. Closing happens outside of the lock.

mod index;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use authkernel::ports::Recheck;
use authkernel::types::Identity;
use tokio::time::Instant;

use self::index::{Index, add, remove};
use super::entry::Entry;

/// All live connections, and the indexes to find them by.
#[derive(Debug, Default)]
pub(in crate::sockets) struct Table {
    next_id: u64,
    slots: HashMap<u64, Slot>,
    endpoints: HashMap<Arc<str>, Index>,
    subjects: Index,
    sessions: Index,
    keys: Index,
    tenants: Index,
    timers: BTreeSet<(Instant, u64)>,
    /// Nothing is registered any more.
    pub(in crate::sockets) shut: bool,
}

#[derive(Debug)]
struct Slot {
    entry: Arc<Entry>,
    /// As it is indexed.
    identity: Arc<Identity>,
    topic: Arc<str>,
    /// The topic of the token that it is about to stand on.
    next_topic: Option<Arc<str>>,
    due: Instant,
}

impl Table {
    pub(in crate::sockets) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(in crate::sockets) fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// One copy of the name of each endpoint.
    pub(in crate::sockets) fn endpoint(&mut self, name: &str) -> Arc<str> {
        match self.endpoints.get_key_value(name) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(name),
        }
    }

    /// From here on a message for this topic reaches the connection. `true`: it is the next one that is due.
    pub(in crate::sockets) fn insert(
        &mut self,
        entry: &Arc<Entry>,
        topic: &str,
        due: Instant,
    ) -> bool {
        let identity = entry.identity();
        let topic: Arc<str> = Arc::from(topic);
        let of_endpoint = self.endpoints.entry(Arc::clone(&entry.endpoint));
        add(of_endpoint.or_default(), &topic, entry.id);
        self.index(&identity, entry.id);
        self.slots.insert(
            entry.id,
            Slot {
                entry: Arc::clone(entry),
                identity,
                topic,
                next_topic: None,
                due,
            },
        );
        self.timers.insert((due, entry.id));
        self.is_next(entry.id)
    }

    pub(in crate::sockets) fn remove(&mut self, id: u64) -> bool {
        let Some(slot) = self.slots.remove(&id) else {
            return false;
        };
        self.leave(&slot.entry.endpoint, &slot.topic, id);
        if let Some(topic) = &slot.next_topic {
            self.leave(&slot.entry.endpoint, topic, id);
        }
        self.unindex(&slot.identity, id);
        self.timers.remove(&(slot.due, id));
        true
    }

    /// Whether a message for this topic reaches the connection.
    pub(in crate::sockets) fn is_subscribed(&self, id: u64, topic: &str) -> bool {
        self.slots
            .get(&id)
            .is_some_and(|slot| &*slot.topic == topic || slot.next_topic.as_deref() == Some(topic))
    }

    /// A message for this topic, too, reaches the connection from here on.
    pub(in crate::sockets) fn subscribe_next(&mut self, id: u64, topic: &str) {
        self.forget_next(id);
        let Some(slot) = self.slots.get_mut(&id) else {
            return;
        };
        if &*slot.topic == topic {
            return;
        }
        let topic: Arc<str> = Arc::from(topic);
        slot.next_topic = Some(Arc::clone(&topic));
        let endpoint = Arc::clone(&slot.entry.endpoint);
        add(self.endpoints.entry(endpoint).or_default(), &topic, id);
    }

    pub(in crate::sockets) fn forget_next(&mut self, id: u64) {
        let Some(slot) = self.slots.get_mut(&id) else {
            return;
        };
        if let Some(topic) = slot.next_topic.take() {
            let endpoint = Arc::clone(&slot.entry.endpoint);
            self.leave(&endpoint, &topic, id);
        }
    }

    /// The connection stands on its entry's present identity now, and on this topic only.
    pub(in crate::sockets) fn settle(&mut self, id: u64, topic: &str, due: Instant) -> bool {
        let Some(slot) = self.slots.get_mut(&id) else {
            return false;
        };
        let endpoint = Arc::clone(&slot.entry.endpoint);
        let before = std::mem::replace(&mut slot.identity, slot.entry.identity());
        let after = Arc::clone(&slot.identity);
        let mut left = Vec::new();
        if let Some(next) = slot.next_topic.take() {
            if &*next == topic {
                left.push(std::mem::replace(&mut slot.topic, next));
            } else {
                left.push(next);
            }
        }
        for topic in &left {
            self.leave(&endpoint, topic, id);
        }
        self.unindex(&before, id);
        self.index(&after, id);
        self.reschedule(id, due)
    }

    /// `true`: it is the next one that is due.
    pub(in crate::sockets) fn reschedule(&mut self, id: u64, due: Instant) -> bool {
        let Some(slot) = self.slots.get_mut(&id) else {
            return false;
        };
        let before = std::mem::replace(&mut slot.due, due);
        self.timers.remove(&(before, id));
        self.timers.insert((due, id));
        self.is_next(id)
    }

    /// Takes what is due out of the timers, and says when the next one is.
    pub(in crate::sockets) fn take_due(
        &mut self,
        now: Instant,
    ) -> (Vec<Arc<Entry>>, Option<Instant>) {
        let mut due = Vec::new();
        while let Some(&(at, id)) = self.timers.first() {
            if at > now {
                return (due, Some(at));
            }
            self.timers.pop_first();
            due.extend(self.entry(id));
        }
        (due, None)
    }

    pub(in crate::sockets) fn entry(&self, id: u64) -> Option<Arc<Entry>> {
        self.slots.get(&id).map(|slot| Arc::clone(&slot.entry))
    }

    pub(in crate::sockets) fn entries(&self, ids: &[u64]) -> Vec<Arc<Entry>> {
        ids.iter().filter_map(|id| self.entry(*id)).collect()
    }

    pub(in crate::sockets) fn all(&self) -> Vec<Arc<Entry>> {
        self.slots
            .values()
            .map(|slot| Arc::clone(&slot.entry))
            .collect()
    }

    /// Oldest first.
    pub(in crate::sockets) fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.slots.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Adds the connections of this endpoint that are subscribed to this topic.
    pub(in crate::sockets) fn subscribed(
        &self,
        endpoint: &str,
        topic: &str,
        into: &mut Vec<Arc<Entry>>,
    ) {
        let ids = self
            .endpoints
            .get(endpoint)
            .and_then(|topics| topics.get(topic));
        if let Some(ids) = ids {
            into.extend(ids.iter().filter_map(|id| self.entry(id)));
        }
    }

    /// The connections that a recheck means.
    pub(in crate::sockets) fn matching(&self, recheck: &Recheck) -> Vec<u64> {
        // The narrowest index that applies; the rest is compared.
        let narrowed = [
            (&self.sessions, &recheck.sid),
            (&self.subjects, &recheck.subject),
            (&self.keys, &recheck.kid),
            (&self.tenants, &recheck.tenant),
        ]
        .into_iter()
        .find_map(|(index, wanted)| wanted.as_ref().map(|wanted| index.get(wanted.as_str())));
        match narrowed {
            Some(None) => Vec::new(),
            Some(Some(ids)) => ids.iter().filter(|id| self.means(recheck, *id)).collect(),
            None => {
                let ids = self.slots.keys().copied();
                ids.filter(|id| self.means(recheck, *id)).collect()
            }
        }
    }

    fn means(&self, recheck: &Recheck, id: u64) -> bool {
        let Some(Slot { identity, .. }) = self.slots.get(&id) else {
            return false;
        };
        let fits = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|w| w == has);
        (recheck.tenant.is_none() || recheck.tenant == identity.tenant)
            && fits(&recheck.subject, &identity.subject)
            && fits(&recheck.purpose, &identity.purpose)
            && fits(&recheck.sid, &identity.sid)
            && fits(&recheck.kid, &identity.kid)
    }

    fn is_next(&self, id: u64) -> bool {
        self.timers.first().is_some_and(|(_, first)| *first == id)
    }

    fn index(&mut self, identity: &Identity, id: u64) {
        add(&mut self.subjects, &identity.subject, id);
        add(&mut self.sessions, &identity.sid, id);
        add(&mut self.keys, &identity.kid, id);
        if let Some(tenant) = &identity.tenant {
            add(&mut self.tenants, tenant, id);
        }
    }

    fn unindex(&mut self, identity: &Identity, id: u64) {
        remove(&mut self.subjects, &identity.subject, id);
        remove(&mut self.sessions, &identity.sid, id);
        remove(&mut self.keys, &identity.kid, id);
        if let Some(tenant) = &identity.tenant {
            remove(&mut self.tenants, tenant, id);
        }
    }

    fn leave(&mut self, endpoint: &str, topic: &str, id: u64) {
        if let Some(topics) = self.endpoints.get_mut(endpoint) {
            remove(topics, topic, id);
            if topics.is_empty() {
                self.endpoints.remove(endpoint);
            }
        }
    }
}
