//! Using up a record: one winner, whose successors take its place.

use std::collections::{BTreeMap, HashSet};

use authkernel::record::{Consumed, Consumption, Record, Session, SessionStatus, Status};
use rusqlite::{Connection, params};

use super::error::Failure;
use super::insert::join;
use super::rows::{
    CONSUMED, epoch, insert_record, integer, list_text, record_by_jti, session_by_sid, tenant_key,
};

/// Runs inside a savepoint: the write lock is held since before the record is read.
pub(super) fn consume(sql: &Connection, consumption: &Consumption) -> Result<Consumed, Failure> {
    let tenant = tenant_key(&consumption.tenant)?;
    let record = record_by_jti(sql, tenant, &consumption.jti)?;
    let session = session_by_sid(sql, tenant, &consumption.sid)?;
    if !may_win(consumption, record.as_ref(), session.as_ref()) {
        let newest = match &record {
            Some(record) => newest_successors(sql, tenant, record)?,
            None => Vec::new(),
        };
        return Ok(Consumed::Lost {
            record,
            session,
            newest,
        });
    }
    let epoch = epoch(sql, tenant, &consumption.subject)?;
    let successors: Vec<String> = consumption
        .successors
        .iter()
        .map(|successor| successor.record.jti.clone())
        .collect();
    sql.prepare_cached(
        "UPDATE records SET status = ?3, status_at = ?4, status_text = ?5, successors = ?6
         WHERE tenant = ?1 AND jti = ?2 AND status = 0",
    )?
    .execute(params![
        tenant,
        consumption.jti,
        CONSUMED,
        integer(consumption.at),
        consumption.request,
        list_text(&successors)
    ])?;
    for successor in &consumption.successors {
        let record = &successor.record;
        if (&record.tenant, &record.sid, &record.subject)
            != (&consumption.tenant, &consumption.sid, &consumption.subject)
        {
            return Err(Failure::other(
                "a successor must have its predecessor's tenant, sid and subject",
            ));
        }
        let joins = Session {
            tenant: record.tenant.clone(),
            sid: record.sid.clone(),
            subject: record.subject.clone(),
            ..successor.session.clone()
        };
        if !join(sql, &joins)? {
            return Err(Failure::SESSION);
        }
        if !insert_record(sql, record, epoch)? {
            return Err(Failure::CONFLICT);
        }
    }
    Ok(Consumed::Won { epoch })
}

fn may_win(consumption: &Consumption, record: Option<&Record>, session: Option<&Session>) -> bool {
    record.is_some_and(|record| {
        record.status == Status::Live
            && record.sid == consumption.sid
            && record.subject == consumption.subject
    }) && session.is_some_and(|session| {
        session.status == SessionStatus::Live && session.subject == consumption.subject
    })
}

/// The newest live record of each purpose among the record's successors, and theirs.
fn newest_successors(
    sql: &Connection,
    tenant: &str,
    record: &Record,
) -> Result<Vec<Record>, Failure> {
    let mut newest: BTreeMap<String, Record> = BTreeMap::new();
    let mut seen = HashSet::new();
    let mut next = record.successors.clone();
    while let Some(jti) = next.pop() {
        if !seen.insert(jti.clone()) {
            continue;
        }
        let Some(successor) = record_by_jti(sql, tenant, &jti)? else {
            continue;
        };
        next.extend(successor.successors.iter().cloned());
        if successor.status != Status::Live {
            continue;
        }
        let age = |record: &Record| (record.issued_at, record.created_at, record.jti.clone());
        match newest.get(&successor.purpose) {
            Some(known) if age(known) >= age(&successor) => {}
            _ => {
                newest.insert(successor.purpose.clone(), successor);
            }
        }
    }
    Ok(newest.into_values().collect())
}
