//! The indexes.

use std::time::Duration;

use super::*;
use crate::sockets::entry::Credential;
use crate::sockets::fixtures::identity;

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
        (
            entries.iter().map(|entry| entry.id).collect::<Vec<_>>(),
            next,
        )
    };
    assert_eq!(
        due(fixture.table.take_due(at_10)),
        (vec![soon], Some(at_20))
    );
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
