//! Calls as JSON documents.

use authkernel::ports::StorageError;
use authkernel::record::{
    Consumption, CutOff, CutOffScope, DeliveryClaim, ExpiryBatch, FindQuery, Insertion, ListQuery,
    MatchingRevocation, RecordId, Revocation, RevocationTarget,
};
use serde::Serialize;

use super::fields::Number;
use super::rows::{CutOffRow, RecordRow, SessionRow, named_purpose, other, tenant_key};
use super::touches::Note;

/// A document, or why the call is refused before anybody is asked.
type Document = Result<String, StorageError>;

fn document(call: &impl Serialize) -> Document {
    serde_json::to_string(call).map_err(|_| other("a call has no json form"))
}

#[derive(Serialize)]
struct Query<'a> {
    tenant: &'a str,
    jti: Option<&'a str>,
    sid: Option<&'a str>,
    subject: Option<&'a str>,
    purpose: Option<&'a str>,
    kid: Option<&'a str>,
}

/// The six texts that a look-up goes by; an absent one finds nothing of its kind.
#[cfg(feature = "postgres")]
pub(in crate::storage) fn query_texts(
    query: &FindQuery,
) -> Result<[Option<&str>; 6], StorageError> {
    let tenant = tenant_key(&query.tenant)?;
    let [jti, sid] = [query.jti.as_deref(), query.sid.as_deref()];
    let [subject, purpose] = [query.subject.as_deref(), query.purpose.as_deref()];
    Ok([
        Some(tenant),
        jti,
        sid,
        subject,
        purpose,
        query.kid.as_deref(),
    ])
}

pub(in crate::storage) fn find(queries: &[FindQuery]) -> Document {
    let queries = queries.iter().map(|query| {
        Ok(Query {
            tenant: tenant_key(&query.tenant)?,
            jti: query.jti.as_deref(),
            sid: query.sid.as_deref(),
            subject: query.subject.as_deref(),
            purpose: query.purpose.as_deref(),
            kid: query.kid.as_deref(),
        })
    });
    document(&queries.collect::<Result<Vec<_>, StorageError>>()?)
}

#[derive(Serialize)]
struct Insert<'a> {
    record: RecordRow<'a>,
    session: SessionRow<'a>,
    open: bool,
    guard: Option<Number>,
}

pub(in crate::storage) fn insert(insertion: &Insertion) -> Document {
    let Insertion {
        record,
        session,
        open,
        guard,
    } = insertion;
    let same = record.tenant == session.tenant
        && record.sid == session.sid
        && record.subject == session.subject;
    if !same {
        return Err(other(
            "a record and its session must have the same tenant, sid and subject",
        ));
    }
    document(&Insert {
        record: RecordRow::of(record)?,
        session: SessionRow::of(session)?,
        open: *open,
        guard: guard.map(Number),
    })
}

#[derive(Serialize)]
struct Revoke<'a> {
    tenant: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    subject: Option<&'a str>,
    at: Number,
    reason: &'a str,
    tombstone: Option<RecordRow<'a>>,
    session_tombstone: Option<SessionRow<'a>>,
    notify_purposes: &'a [String],
    due: Number,
    limit: u32,
}

pub(in crate::storage) fn revoke(revocation: &Revocation) -> Document {
    let (jti, sid) = match &revocation.target {
        RevocationTarget::Token(jti) => (Some(jti.as_str()), None),
        RevocationTarget::Session(sid) => (None, Some(sid.as_str())),
    };
    let tombstone = revocation.tombstone.as_ref();
    let session_tombstone = revocation.session_tombstone.as_ref();
    document(&Revoke {
        tenant: tenant_key(&revocation.tenant)?,
        jti,
        sid,
        subject: revocation.subject.as_deref(),
        at: Number(revocation.at),
        reason: &revocation.reason,
        tombstone: tombstone.map(RecordRow::of).transpose()?,
        session_tombstone: session_tombstone.map(SessionRow::of).transpose()?,
        notify_purposes: &revocation.notify_purposes,
        due: Number(revocation.due),
        limit: revocation.limit,
    })
}

#[derive(Serialize)]
struct RevokeMatching<'a> {
    tenant: &'a str,
    subject: &'a str,
    include_purposes: Option<&'a [String]>,
    exclude_purposes: &'a [String],
    keep: &'a [String],
    issued_before: Option<Number>,
    unexpired_after: Number,
    end_sessions: bool,
    cut_offs: Vec<&'a str>,
    forget_at: Number,
    at: Number,
    reason: &'a str,
    notify_purposes: &'a [String],
    delay_sid: Option<&'a str>,
    delay_due: Option<Number>,
    limit: u32,
    dry_run: bool,
}

pub(in crate::storage) fn revoke_matching(revocation: &MatchingRevocation) -> Document {
    let cut_offs = match &revocation.cut_offs {
        CutOffScope::Nothing => Vec::new(),
        CutOffScope::Subject => vec![""],
        CutOffScope::Purposes(purposes) => purposes
            .iter()
            .map(|purpose| named_purpose(purpose))
            .collect::<Result<_, _>>()?,
    };
    let delay = revocation.delay.as_ref();
    document(&RevokeMatching {
        tenant: tenant_key(&revocation.tenant)?,
        subject: &revocation.subject,
        include_purposes: revocation.include_purposes.as_deref(),
        exclude_purposes: &revocation.exclude_purposes,
        keep: &revocation.keep,
        issued_before: revocation.issued_before.map(Number),
        unexpired_after: Number(revocation.unexpired_after),
        end_sessions: revocation.end_sessions,
        cut_offs,
        forget_at: Number(revocation.forget_at),
        at: Number(revocation.at),
        reason: &revocation.reason,
        notify_purposes: &revocation.notify_purposes,
        delay_sid: delay.map(|delay| delay.sid.as_str()),
        delay_due: delay.map(|delay| Number(delay.due)),
        limit: revocation.limit,
        dry_run: revocation.dry_run,
    })
}

#[derive(Serialize)]
struct Consume<'a> {
    tenant: &'a str,
    jti: &'a str,
    sid: &'a str,
    subject: &'a str,
    at: Number,
    request: Option<&'a str>,
    successors: Vec<Successor<'a>>,
}

#[derive(Serialize)]
struct Successor<'a> {
    record: RecordRow<'a>,
    session: SessionRow<'a>,
}

pub(in crate::storage) fn consume(consumption: &Consumption) -> Document {
    let Consumption {
        tenant,
        jti,
        sid,
        subject,
        at,
        request,
        successors,
    } = consumption;
    let key = tenant_key(tenant)?;
    let successors = successors.iter().map(
        |Insertion {
             record, session, ..
         }| {
            if (&record.tenant, &record.sid, &record.subject) != (tenant, sid, subject) {
                return Err(other(
                    "a successor must have its predecessor's tenant, sid and subject",
                ));
            }
            Ok(Successor {
                record: RecordRow::of(record)?,
                // It joins the predecessor's session, whatever it says.
                session: SessionRow::of(session)?.in_place_of(key, sid, subject),
            })
        },
    );
    document(&Consume {
        tenant: key,
        jti,
        sid,
        subject,
        at: Number(*at),
        request: request.as_deref(),
        successors: successors.collect::<Result<_, _>>()?,
    })
}

#[derive(Serialize)]
struct Touched<'a> {
    tenant: &'a str,
    sid: &'a str,
    at: Number,
}

pub(in crate::storage) fn touch(notes: &[Note]) -> Document {
    let notes = notes.iter().map(|((tenant, sid), at)| {
        Ok(Touched {
            tenant: tenant_key(tenant)?,
            sid,
            at: Number(*at),
        })
    });
    document(&notes.collect::<Result<Vec<_>, StorageError>>()?)
}

#[derive(Serialize)]
struct List<'a> {
    tenant: &'a str,
    subject: &'a str,
    at: Number,
    with_record: bool,
    after_created_at: Option<Number>,
    after_sid: Option<&'a str>,
    limit: u32,
}

pub(in crate::storage) fn list(query: &ListQuery) -> Document {
    let after = query.after.as_ref();
    document(&List {
        tenant: tenant_key(&query.tenant)?,
        subject: &query.subject,
        at: Number(query.at),
        with_record: query.with_record,
        after_created_at: after.map(|after| Number(after.created_at)),
        after_sid: after.map(|after| after.sid.as_str()),
        limit: query.limit,
    })
}

#[derive(Serialize)]
struct Claim<'a> {
    at: Number,
    lease_until: Number,
    limit: u32,
    tenant: Option<&'a str>,
    subject: Option<&'a str>,
}

pub(in crate::storage) fn undelivered(claim: &DeliveryClaim) -> Document {
    let only = claim.only.as_ref();
    document(&Claim {
        at: Number(claim.at),
        lease_until: Number(claim.lease_until),
        limit: claim.limit,
        tenant: only.map(|only| tenant_key(&only.tenant)).transpose()?,
        subject: only.map(|only| only.subject.as_str()),
    })
}

#[derive(Serialize)]
struct Key<'a> {
    tenant: &'a str,
    jti: &'a str,
}

pub(in crate::storage) fn delivered(records: &[RecordId]) -> Document {
    let keys = records.iter().map(|record| {
        Ok(Key {
            tenant: tenant_key(&record.tenant)?,
            jti: &record.jti,
        })
    });
    document(&keys.collect::<Result<Vec<_>, StorageError>>()?)
}

#[derive(Serialize)]
struct Expiry {
    before: Number,
    limit: u32,
}

pub(in crate::storage) fn delete_expired(batch: ExpiryBatch) -> Document {
    document(&Expiry {
        before: Number(batch.before),
        limit: batch.limit,
    })
}

pub(in crate::storage) fn raise_cut_off(cut_off: &CutOff) -> Document {
    document(&CutOffRow::of(cut_off)?)
}
