//! What is stored, and the indexes over it. Everything that changes a row goes through here, so that no index is ever
//! behind.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::string::String;

use crate::record::{
    KeyCutOff, Notify, Record, Session, SessionStatus, Status, SubjectCutOff, TenantCutOff,
    Timestamp,
};

/// A tenant, or none.
pub(super) type TenantName = Option<String>;

/// All that is stored.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tenants: HashMap<TenantName, Tenant>,
    pub(super) keys: HashMap<String, KeyCutOff>,
    /// Undelivered disconnects, oldest first: due, tenant, jti.
    pub(super) pending: BTreeSet<(Timestamp, TenantName, String)>,
    /// When records expire: `expires_at`, tenant, jti.
    pub(super) record_ends: BTreeSet<(Timestamp, TenantName, String)>,
    /// When sessions end: `ends_at`, tenant, sid.
    pub(super) session_ends: BTreeSet<(Timestamp, TenantName, String)>,
    /// When cut-offs may be forgotten.
    pub(super) cut_off_ends: BTreeSet<(Timestamp, CutOffKey)>,
}

/// All of one tenant.
#[derive(Debug, Default)]
pub(super) struct Tenant {
    /// By jti.
    pub(super) records: HashMap<String, StoredRecord>,
    /// By sid.
    pub(super) sessions: HashMap<String, Session>,
    /// By sid: the jtis of its records, whatever their status.
    pub(super) by_session: HashMap<String, BTreeSet<String>>,
    /// By subject.
    pub(super) subjects: HashMap<String, Subject>,
    pub(super) cut_off: Option<TenantCutOff>,
}

/// All of one subject that is not a row.
#[derive(Debug, Default)]
pub(super) struct Subject {
    pub(super) epoch: u64,
    /// The jtis of its live records.
    pub(super) live: BTreeSet<String>,
    /// Its undelivered disconnects, oldest first: due, jti.
    pub(super) pending: BTreeSet<(Timestamp, String)>,
    /// Its live sessions, newest first: `created_at`, sid.
    pub(super) sessions: BTreeSet<(Reverse<Timestamp>, String)>,
    /// By purpose; the subject-wide one under `None`.
    pub(super) cut_offs: BTreeMap<Option<String>, SubjectCutOff>,
}

/// A record, and until when somebody else sends its disconnect.
#[derive(Debug)]
pub(super) struct StoredRecord {
    pub(super) record: Record,
    pub(super) leased_until: Timestamp,
}

/// Which cut-off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CutOffKey {
    Subject(TenantName, String, Option<String>),
    Tenant(TenantName),
    Key(String),
}

impl State {
    pub(super) fn record(&self, tenant: &TenantName, jti: &str) -> Option<&Record> {
        Some(&self.tenants.get(tenant)?.records.get(jti)?.record)
    }

    pub(super) fn session(&self, tenant: &TenantName, sid: &str) -> Option<&Session> {
        self.tenants.get(tenant)?.sessions.get(sid)
    }

    pub(super) fn subject(&self, tenant: &TenantName, subject: &str) -> Option<&Subject> {
        self.tenants.get(tenant)?.subjects.get(subject)
    }

    /// The subject's epoch; 0 when it was never raised.
    pub(super) fn epoch(&self, tenant: &TenantName, subject: &str) -> u64 {
        self.subject(tenant, subject)
            .map_or(0, |subject| subject.epoch)
    }

    pub(super) fn subject_mut(&mut self, tenant: &TenantName, subject: &str) -> &mut Subject {
        self.tenant_mut(tenant)
            .subjects
            .entry(subject.into())
            .or_default()
    }

    pub(super) fn tenant_mut(&mut self, tenant: &TenantName) -> &mut Tenant {
        self.tenants.entry(tenant.clone()).or_default()
    }

    /// Stores a record as it stands; `false` when its key is known.
    pub(super) fn add_record(&mut self, record: Record) -> bool {
        if self.record(&record.tenant, &record.jti).is_some() {
            return false;
        }
        self.index_record(&record, true);
        let stored = StoredRecord {
            record,
            leased_until: 0,
        };
        let tenant = self.tenant_mut(&stored.record.tenant);
        tenant.records.insert(stored.record.jti.clone(), stored);
        true
    }

    /// Changes a record that is there; its key, session, subject and expiry must stay as they are.
    pub(super) fn change_record(
        &mut self,
        tenant: &TenantName,
        jti: &str,
        change: impl FnOnce(&mut Record),
    ) {
        let Some(mut record) = self.record(tenant, jti).cloned() else {
            return;
        };
        self.index_record(&record, false);
        change(&mut record);
        self.index_record(&record, true);
        if let Some(stored) = self.stored_mut(tenant, jti) {
            stored.record = record;
        }
    }

    pub(super) fn stored_mut(
        &mut self,
        tenant: &TenantName,
        jti: &str,
    ) -> Option<&mut StoredRecord> {
        self.tenants.get_mut(tenant)?.records.get_mut(jti)
    }

    pub(super) fn remove_record(&mut self, tenant: &TenantName, jti: &str) {
        if let Some(record) = self.record(tenant, jti).cloned() {
            self.index_record(&record, false);
            self.tenant_mut(tenant).records.remove(jti);
            self.forget_subject(tenant, &record.subject);
        }
    }

    /// Stores a session as it stands; `false` when its key is known.
    pub(super) fn add_session(&mut self, session: Session) -> bool {
        if self.session(&session.tenant, &session.sid).is_some() {
            return false;
        }
        self.index_session(&session, true);
        let tenant = self.tenant_mut(&session.tenant);
        tenant.sessions.insert(session.sid.clone(), session);
        true
    }

    /// Changes a session that is there; its key and subject must stay as they are.
    pub(super) fn change_session(
        &mut self,
        tenant: &TenantName,
        sid: &str,
        change: impl FnOnce(&mut Session),
    ) {
        let Some(mut session) = self.session(tenant, sid).cloned() else {
            return;
        };
        self.index_session(&session, false);
        change(&mut session);
        self.index_session(&session, true);
        self.tenant_mut(tenant).sessions.insert(sid.into(), session);
    }

    pub(super) fn remove_session(&mut self, tenant: &TenantName, sid: &str) {
        if let Some(session) = self.session(tenant, sid).cloned() {
            self.index_session(&session, false);
            self.tenant_mut(tenant).sessions.remove(sid);
            self.forget_subject(tenant, &session.subject);
        }
    }

    /// Drops what is empty of a subject; a raised epoch stays for ever.
    pub(super) fn forget_subject(&mut self, tenant: &TenantName, name: &str) {
        let subject = self.subject_mut(tenant, name);
        if subject.epoch == 0
            && subject.live.is_empty()
            && subject.pending.is_empty()
            && subject.sessions.is_empty()
            && subject.cut_offs.is_empty()
        {
            self.tenant_mut(tenant).subjects.remove(name);
        }
    }

    fn index_record(&mut self, record: &Record, add: bool) {
        let Record {
            tenant,
            jti,
            sid,
            subject,
            ..
        } = record;
        put(
            &mut self.record_ends,
            (record.expires_at, tenant.clone(), jti.clone()),
            add,
        );
        if !sid.is_empty() {
            let by_session = &mut self.tenant_mut(tenant).by_session;
            let jtis = by_session.entry(sid.clone()).or_default();
            put(jtis, jti.clone(), add);
            if jtis.is_empty() {
                by_session.remove(sid);
            }
        }
        if record.status == Status::Live {
            put(
                &mut self.subject_mut(tenant, subject).live,
                jti.clone(),
                add,
            );
        }
        if let Notify::Pending { due } = record.notify {
            put(&mut self.pending, (due, tenant.clone(), jti.clone()), add);
            put(
                &mut self.subject_mut(tenant, subject).pending,
                (due, jti.clone()),
                add,
            );
        }
    }

    fn index_session(&mut self, session: &Session, add: bool) {
        let Session {
            tenant,
            sid,
            subject,
            ..
        } = session;
        put(
            &mut self.session_ends,
            (session.ends_at, tenant.clone(), sid.clone()),
            add,
        );
        if session.status == SessionStatus::Live {
            let entry = (Reverse(session.created_at), sid.clone());
            put(&mut self.subject_mut(tenant, subject).sessions, entry, add);
        }
    }
}

fn put<T: Ord>(set: &mut BTreeSet<T>, entry: T, add: bool) {
    if add {
        set.insert(entry);
    } else {
        set.remove(&entry);
    }
}
