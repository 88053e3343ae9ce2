//! Where the live connections of a process are found: by topic, subject, session, key, tenant and deadline.
//!
//! One table under one lock. Every hold is short: a registration touches a handful of entries, and even a message
//! with ten thousand topics is looked up in a few milliseconds. Closing happens outside of the lock.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use authkernel::ports::Recheck;
use authkernel::types::Identity;
use tokio::time::Instant;

use super::entry::Entry;

/// All live connections, and the indexes to find them by.
#[derive(Debug, Default)]
pub(super) struct Table {
    next_id: u64,
    slots: HashMap<u64, Slot>,
    endpoints: HashMap<Arc<str>, Index>,
    subjects: Index,
    sessions: Index,
    keys: Index,
    tenants: Index,
    timers: BTreeSet<(Instant, u64)>,
    /// Nothing is registered any more.
    pub(super) shut: bool,
}

type Index = HashMap<Arc<str>, Ids>;

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
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// One copy of the name of each endpoint.
    pub(super) fn endpoint(&mut self, name: &str) -> Arc<str> {
        match self.endpoints.get_key_value(name) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(name),
        }
    }

    /// From here on a message for this topic reaches the connection. `true`: it is the next one that is due.
    pub(super) fn insert(&mut self, entry: &Arc<Entry>, topic: &str, due: Instant) -> bool {
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

    pub(super) fn remove(&mut self, id: u64) -> bool {
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
    pub(super) fn is_subscribed(&self, id: u64, topic: &str) -> bool {
        self.slots.get(&id).is_some_and(|slot| {
            &*slot.topic == topic || slot.next_topic.as_deref() == Some(topic)
        })
    }

    /// A message for this topic, too, reaches the connection from here on.
    pub(super) fn subscribe_next(&mut self, id: u64, topic: &str) {
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

    pub(super) fn forget_next(&mut self, id: u64) {
        let Some(slot) = self.slots.get_mut(&id) else {
            return;
        };
        if let Some(topic) = slot.next_topic.take() {
            let endpoint = Arc::clone(&slot.entry.endpoint);
            self.leave(&endpoint, &topic, id);
        }
    }

    /// The connection stands on its entry's present identity now, and on this topic only.
    pub(super) fn settle(&mut self, id: u64, topic: &str, due: Instant) -> bool {
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
    pub(super) fn reschedule(&mut self, id: u64, due: Instant) -> bool {
        let Some(slot) = self.slots.get_mut(&id) else {
            return false;
        };
        let before = std::mem::replace(&mut slot.due, due);
        self.timers.remove(&(before, id));
        self.timers.insert((due, id));
        self.is_next(id)
    }

    /// Takes what is due out of the timers, and says when the next one is.
    pub(super) fn take_due(&mut self, now: Instant) -> (Vec<Arc<Entry>>, Option<Instant>) {
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

    pub(super) fn entry(&self, id: u64) -> Option<Arc<Entry>> {
        self.slots.get(&id).map(|slot| Arc::clone(&slot.entry))
    }

    pub(super) fn entries(&self, ids: &[u64]) -> Vec<Arc<Entry>> {
        ids.iter().filter_map(|id| self.entry(*id)).collect()
    }

    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.slots
            .values()
            .map(|slot| Arc::clone(&slot.entry))
            .collect()
    }

    /// Oldest first.
    pub(super) fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.slots.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Adds the connections of this endpoint that are subscribed to this topic.
    pub(super) fn subscribed(&self, endpoint: &str, topic: &str, into: &mut Vec<Arc<Entry>>) {
        let ids = self
            .endpoints
            .get(endpoint)
            .and_then(|topics| topics.get(topic));
        if let Some(ids) = ids {
            into.extend(ids.iter().filter_map(|id| self.entry(id)));
        }
    }

    /// The connections that a recheck means.
    pub(super) fn matching(&self, recheck: &Recheck) -> Vec<u64> {
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

/// Connections under one key of an index: mostly one, so that one costs no allocation.
#[derive(Debug)]
enum Ids {
    One(u64),
    Many(HashSet<u64>),
}

impl Ids {
    fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let (one, many) = match self {
            Self::One(id) => (Some(*id), None),
            Self::Many(ids) => (None, Some(ids.iter().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

fn add(index: &mut Index, key: &str, id: u64) {
    match index.get_mut(key) {
        None => {
            index.insert(Arc::from(key), Ids::One(id));
        }
        Some(Ids::Many(ids)) => {
            ids.insert(id);
        }
        Some(ids) => {
            let both = ids.iter().chain([id]).collect();
            *ids = Ids::Many(both);
        }
    }
}

fn remove(index: &mut Index, key: &str, id: u64) {
    let empty = match index.get_mut(key) {
        None => false,
        Some(Ids::One(one)) => *one == id,
        Some(Ids::Many(ids)) => {
            ids.remove(&id);
            ids.is_empty()
        }
    };
    if empty {
        index.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::entry::Credential;
    use super::super::fixtures::identity;
    use super::*;

    struct Fixture {
        table: Table,
        start: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            Self {
                table: Table::default(),
                start: Instant::now(),
            }
        }

        fn add(&mut self, endpoint: &str, topic: &str, identity: Identity, due: u64) -> u64 {
            let id = self.table.next_id();
            let due = self.start + Duration::from_secs(due);
            let credential = Credential {
                identity: Arc::new(identity),
                verified_at: 0,
                deadline: due,
            };
            let endpoint = self.table.endpoint(endpoint);
            let entry = Arc::new(Entry::new(id, endpoint, credential));
            self.table.insert(&entry, topic, due);
            id
        }

        fn subscribed(&self, endpoint: &str, topic: &str) -> Vec<u64> {
            let mut entries = Vec::new();
            self.table.subscribed(endpoint, topic, &mut entries);
            let mut ids: Vec<u64> = entries.iter().map(|entry| entry.id).collect();
            ids.sort_unstable();
            ids
        }

        fn matching(&self, recheck: Recheck) -> Vec<u64> {
            let mut ids = self.table.matching(&recheck);
            ids.sort_unstable();
            ids
        }

        fn is_empty(&self) -> bool {
            let Table {
                slots,
                endpoints,
                subjects,
                sessions,
                keys,
                tenants,
                timers,
                ..
            } = &self.table;
            slots.is_empty()
                && endpoints.is_empty()
                && subjects.is_empty()
                && sessions.is_empty()
                && keys.is_empty()
                && tenants.is_empty()
                && timers.is_empty()
        }
    }

    #[test]
    fn connections_are_found_by_endpoint_and_topic_and_leave_nothing_behind() {
        let mut fixture = Fixture::new();
        let one = fixture.add("web", "t1", identity("u", "s1"), 1);
        let two = fixture.add("web", "t1", identity("u", "s1"), 1);
        let three = fixture.add("mobile", "t1", identity("u", "s1"), 1);
        assert_eq!(fixture.subscribed("web", "t1"), [one, two]);
        assert_eq!(fixture.subscribed("mobile", "t1"), [three]);
        assert!(fixture.subscribed("web", "t2").is_empty());
        assert!(fixture.subscribed("tv", "t1").is_empty());
        for id in [two, one, three] {
            assert!(fixture.table.remove(id));
            assert!(!fixture.table.remove(id));
        }
        assert!(fixture.is_empty());
    }

    #[test]
    fn a_recheck_means_those_that_fit_every_field() {
        let mut fixture = Fixture::new();
        let mut other = identity("u", "s3");
        other.tenant = Some("t".into());
        other.kid = "k2".into();
        other.purpose = "other".into();
        let one = fixture.add("web", "a", identity("u", "s1"), 1);
        let two = fixture.add("web", "b", identity("v", "s2"), 1);
        let three = fixture.add("web", "c", other, 1);
        let cases = [
            (Recheck::default(), vec![one, two, three]),
            (recheck(|r| r.subject = Some("u".into())), vec![one, three]),
            (recheck(|r| r.sid = Some("s2".into())), vec![two]),
            (recheck(|r| r.kid = Some("k2".into())), vec![three]),
            (recheck(|r| r.tenant = Some("t".into())), vec![three]),
            (recheck(|r| r.purpose = Some("user".into())), vec![one, two]),
            (recheck(|r| r.sid = Some("gone".into())), vec![]),
            (
                recheck(|r| {
                    r.subject = Some("u".into());
                    r.kid = Some("k1".into());
                }),
                vec![one],
            ),
        ];
        for (recheck, expected) in cases {
            assert_eq!(fixture.matching(recheck.clone()), expected, "{recheck:?}");
        }
    }

    fn recheck(change: impl FnOnce(&mut Recheck)) -> Recheck {
        let mut recheck = Recheck::default();
        change(&mut recheck);
        recheck
    }

    #[test]
    fn timers_come_due_in_order_and_once() {
        let mut fixture = Fixture::new();
        let late = fixture.add("web", "a", identity("u", "s1"), 30);
        let soon = fixture.add("web", "b", identity("u", "s2"), 10);
        let moved = fixture.add("web", "c", identity("u", "s3"), 5);
        let at = |seconds| fixture.start + Duration::from_secs(seconds);
        let (at_10, at_20, at_30, at_40) = (at(10), at(20), at(30), at(40));
        assert!(!fixture.table.reschedule(moved, at_20));
        let due = |(entries, next): (Vec<Arc<Entry>>, Option<Instant>)| {
            (entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), next)
        };
        assert_eq!(due(fixture.table.take_due(at_10)), (vec![soon], Some(at_20)));
        assert_eq!(due(fixture.table.take_due(at_10)), (vec![], Some(at_20)));
        assert_eq!(
            due(fixture.table.take_due(at_30)),
            (vec![moved, late], None)
        );
        assert!(fixture.table.reschedule(late, at_40));
    }

    #[test]
    fn a_connection_moves_to_the_topic_of_its_next_token() {
        let mut fixture = Fixture::new();
        let id = fixture.add("web", "old", identity("u", "s1"), 10);
        let due = fixture.start + Duration::from_secs(20);
        fixture.table.subscribe_next(id, "new");
        assert_eq!(fixture.subscribed("web", "old"), [id]);
        assert_eq!(fixture.subscribed("web", "new"), [id]);
        fixture.table.forget_next(id);
        assert!(fixture.subscribed("web", "new").is_empty());
        fixture.table.subscribe_next(id, "new");
        fixture.table.settle(id, "new", due);
        assert!(fixture.subscribed("web", "old").is_empty());
        assert_eq!(fixture.subscribed("web", "new"), [id]);
        assert!(fixture.table.is_subscribed(id, "new"));
        fixture.table.remove(id);
        assert!(fixture.is_empty());
    }
}
