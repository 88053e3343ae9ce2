//! Puts into storage what a vector begins with, through the port itself: any storage can be given it.

use anyhow::{Context, Result, anyhow, bail};
use authkernel::ports::{Storage, StorageError};
use authkernel::record::{
    Consumption, CutOff, Insertion, KeyCutOff, Notify, Record, Revocation, RevocationTarget,
    Session, SessionStatus, Status, SubjectCutOff, TenantCutOff,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

use crate::compose;
use crate::fixtures::Fixtures;
use crate::vector::{Given, GivenCutOff, GivenRecord, GivenStatus, Vector};

/// What was revoked before the vector began was revoked so many seconds before.
const EARLIER: u64 = 10;
const DAY: u64 = 86_400;

/// Fills an empty storage.
pub async fn fill(
    storage: &impl Storage,
    vector: &Vector,
    fixtures: &Fixtures,
    now: u64,
) -> Result<()> {
    let given = &vector.given;
    let mut opened = BTreeSet::new();
    for entry in &given.records {
        let record = record(entry, vector, fixtures)?;
        let open = opened.insert((record.tenant.clone(), record.sid.clone()));
        let session = session(&record, given);
        let insertion = Insertion {
            record: record.clone(),
            session,
            open,
            guard: None,
        };
        storage.insert(insertion).await.map_err(failed)?;
        match entry.status {
            GivenStatus::Live => {}
            GivenStatus::Revoked => {
                let target = RevocationTarget::Token(record.jti.clone());
                revoke(storage, &record, target, entry.pending, now).await?;
            }
            GivenStatus::Consumed => consume(storage, &record, now).await?,
        }
    }
    for (sid, _) in given.sessions.iter().filter(|(_, session)| session.ended) {
        let entry = given.records.iter().find_map(|entry| {
            record(entry, vector, fixtures)
                .ok()
                .filter(|record| record.sid == *sid)
        });
        let record = entry.with_context(|| format!("no record has the session {sid}"))?;
        let target = RevocationTarget::Session(sid.clone());
        revoke(storage, &record, target, false, now).await?;
    }
    for cut_off in &given.cut_offs {
        storage
            .raise_cut_off(self::cut_off(cut_off, now))
            .await
            .map_err(failed)?;
    }
    Ok(())
}

fn failed(error: StorageError) -> anyhow::Error {
    anyhow!("storage does not take what is given: {error:?}")
}

async fn revoke(
    storage: &impl Storage,
    record: &Record,
    target: RevocationTarget,
    pending: bool,
    now: u64,
) -> Result<()> {
    let at = now - EARLIER;
    let revocation = Revocation {
        tenant: record.tenant.clone(),
        target,
        subject: None,
        at,
        reason: "before".into(),
        tombstone: None,
        session_tombstone: None,
        notify_purposes: if pending {
            vec![record.purpose.clone()]
        } else {
            Vec::new()
        },
        due: at,
        limit: 100,
    };
    storage.revoke(revocation).await.map_err(failed)?;
    Ok(())
}

async fn consume(storage: &impl Storage, record: &Record, now: u64) -> Result<()> {
    let consumption = Consumption {
        tenant: record.tenant.clone(),
        jti: record.jti.clone(),
        sid: record.sid.clone(),
        subject: record.subject.clone(),
        at: now - EARLIER,
        request: None,
        successors: Vec::new(),
    };
    storage.consume(consumption).await.map_err(failed)?;
    Ok(())
}

/// The fields of a record that a vector may set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    tenant: Option<String>,
    jti: String,
    sid: String,
    subject: String,
    purpose: String,
    act: Option<String>,
    kid: String,
    issued_at: u64,
    expires_at: u64,
    extra_data: Option<Map<String, Value>>,
}

fn record(entry: &GivenRecord, vector: &Vector, fixtures: &Fixtures) -> Result<Record> {
    let unnamed = Default::default();
    let spec = match &entry.of {
        Some(name) => vector
            .tokens
            .get(name)
            .with_context(|| format!("no token {name}"))?,
        None => &unnamed,
    };
    let claims = compose::claims(spec, fixtures);
    let mut fields = Map::new();
    let mut extra = Map::new();
    for (name, value) in claims {
        match name.as_str() {
            "tenant" | "jti" | "sid" | "purpose" | "act" => fields.insert(name, value),
            "sub" => fields.insert("subject".into(), value),
            "iat" => fields.insert("issued_at".into(), value),
            "exp" => fields.insert("expires_at".into(), value),
            "iss" | "aud" | "nbf" | "epoch" => None,
            _ => extra.insert(name, value),
        };
    }
    if !extra.is_empty() {
        fields.insert("extra_data".into(), Value::from(extra));
    }
    fields.insert("kid".into(), compose::kid(spec, fixtures)?.into());
    fields.extend(entry.fields.clone());
    let it: Fields = serde_path_to_error::deserialize(Value::from(fields))
        .context("a given record lacks a field that its token does not have: set it in with")?;
    if entry.pending && entry.status != GivenStatus::Revoked {
        bail!("only a revoked record can be pending");
    }
    Ok(Record {
        tenant: it.tenant,
        jti: it.jti,
        sid: it.sid,
        subject: it.subject,
        purpose: it.purpose,
        act: it.act,
        kid: it.kid,
        issued_at: it.issued_at,
        expires_at: it.expires_at,
        epoch: 0,
        extra_data: it.extra_data.map(|extra| Value::from(extra).to_string()),
        created_at: it.issued_at,
        status: Status::Live,
        successors: Vec::new(),
        notify: Notify::Nothing,
    })
}

fn session(record: &Record, given: &Given) -> Session {
    let different = given.sessions.get(&record.sid);
    let created_at = different
        .and_then(|it| it.created_at)
        .unwrap_or(record.issued_at);
    Session {
        tenant: record.tenant.clone(),
        sid: record.sid.clone(),
        subject: record.subject.clone(),
        device: different.and_then(|it| it.device.clone()),
        created_at,
        last_seen: created_at,
        ends_at: record.expires_at,
        status: SessionStatus::Live,
    }
}

fn cut_off(given: &GivenCutOff, now: u64) -> CutOff {
    let forget_at = now + DAY;
    match given.clone() {
        GivenCutOff::Subject {
            tenant,
            subject,
            purpose,
            below,
            spared,
        } => CutOff::Subject(SubjectCutOff {
            tenant,
            subject,
            purpose,
            below,
            spared,
            forget_at,
        }),
        GivenCutOff::Tenant { tenant, at } => CutOff::Tenant(TenantCutOff {
            tenant,
            at,
            forget_at,
        }),
        GivenCutOff::Key { kid, at } => CutOff::Key(KeyCutOff { kid, at, forget_at }),
    }
}
