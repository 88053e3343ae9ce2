//! Everything that concerns one token, on one snapshot.

use authkernel::record::{CutOff, FindQuery, Found};
use rusqlite::{Connection, params};

use super::answers;
use super::cut_offs::{self, KEY, SUBJECT, TENANT};
use super::error::Failure;
use super::rows::{epoch, record_by_jti, session_by_sid, tenant_key};

/// Extra data of more bytes is not kept in memory.
const SMALL: usize = 2048;

/// What is asked, as a text.
pub(super) fn question(query: &FindQuery) -> String {
    let FindQuery {
        tenant,
        jti,
        sid,
        subject,
        purpose,
        kid,
    } = query;
    let fields = [tenant, jti, sid, subject, purpose, kid];
    answers::question('f', fields.map(Option::as_deref))
}

/// Whether an answer may be kept in memory.
pub(super) fn is_small(found: &Found) -> bool {
    let extra_data = found
        .record
        .as_ref()
        .and_then(|record| record.extra_data.as_ref());
    extra_data.is_none_or(|text| text.len() <= SMALL)
}

/// Runs inside a reading transaction.
pub(super) fn find(sql: &Connection, query: FindQuery) -> Result<Found, Failure> {
    let tenant = tenant_key(&query.tenant)?;
    let record = match &query.jti {
        Some(jti) => record_by_jti(sql, tenant, jti)?,
        None => None,
    };
    let session = match &query.sid {
        Some(sid) => session_by_sid(sql, tenant, sid)?,
        None => None,
    };
    let epoch = match &query.subject {
        Some(subject) => epoch(sql, tenant, subject)?,
        None => 0,
    };
    Ok(Found {
        record,
        session,
        cut_offs: cut_offs(sql, tenant, &query)?,
        epoch,
    })
}

/// Four points of one key in one statement; an absent field is NULL, which equals nothing.
fn cut_offs(sql: &Connection, tenant: &str, query: &FindQuery) -> Result<Vec<CutOff>, Failure> {
    let mut statement = sql.prepare_cached(
        "SELECT kind, tenant, name, purpose, value, spared, forget_at FROM cut_offs
         WHERE kind = ?1 AND tenant = ?2 AND name = ?3 AND purpose IN ('', ?4)
         UNION ALL
         SELECT kind, tenant, name, purpose, value, spared, forget_at FROM cut_offs
         WHERE kind = ?5 AND tenant = ?2 AND name = '' AND purpose = ''
         UNION ALL
         SELECT kind, tenant, name, purpose, value, spared, forget_at FROM cut_offs
         WHERE kind = ?6 AND tenant = '' AND name = ?7 AND purpose = ''",
    )?;
    let rows = statement.query_map(
        params![
            SUBJECT,
            tenant,
            query.subject,
            query.purpose,
            TENANT,
            KEY,
            query.kid
        ],
        cut_offs::from_row,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}
