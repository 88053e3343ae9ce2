//! Cut-offs: stored statements that kill tokens without naming them.

use authkernel::record::{CutOff, KeyCutOff, SubjectCutOff, TenantCutOff};
use rusqlite::{Connection, Row, params};

use super::error::Failure;
use super::rows::{integer, list, list_text, number, tenant, tenant_key};

/// `cut_offs.kind`.
pub(super) const SUBJECT: i64 = 0;
/// `cut_offs.kind`.
pub(super) const TENANT: i64 = 1;
/// `cut_offs.kind`.
pub(super) const KEY: i64 = 2;

/// Stores a cut-off or raises the one that is there.
pub(super) fn raise(sql: &Connection, cut_off: &CutOff) -> Result<(), Failure> {
    match cut_off {
        CutOff::Subject(cut_off) => {
            let tenant = tenant_key(&cut_off.tenant)?;
            sql.prepare_cached(
                "INSERT INTO subjects (tenant, subject, epoch) VALUES (?1, ?2, ?3)
                 ON CONFLICT (tenant, subject) DO UPDATE SET epoch = max(epoch, excluded.epoch)",
            )?
            .execute(params![tenant, cut_off.subject, integer(cut_off.below)])?;
            raise_subject(sql, cut_off)
        }
        CutOff::Tenant(TenantCutOff {
            tenant,
            at,
            forget_at,
        }) => upsert(
            sql,
            (TENANT, tenant_key(tenant)?, "", ""),
            *at,
            &[],
            *forget_at,
        ),
        CutOff::Key(KeyCutOff { kid, at, forget_at }) => {
            upsert(sql, (KEY, "", kid, ""), *at, &[], *forget_at)
        }
    }
}

/// Stores or raises a subject's cut-off alone, without its epoch.
pub(super) fn raise_subject(sql: &Connection, cut_off: &SubjectCutOff) -> Result<(), Failure> {
    let purpose = match cut_off.purpose.as_deref() {
        None => "",
        Some("") => return Err(Failure::other("a purpose is never empty: leave it out")),
        Some(purpose) => purpose,
    };
    let key = (
        SUBJECT,
        tenant_key(&cut_off.tenant)?,
        cut_off.subject.as_str(),
        purpose,
    );
    upsert(sql, key, cut_off.below, &cut_off.spared, cut_off.forget_at)
}

fn upsert(
    sql: &Connection,
    (kind, tenant, name, purpose): (i64, &str, &str, &str),
    value: u64,
    spared: &[String],
    forget_at: u64,
) -> Result<(), Failure> {
    sql.prepare_cached(
        "INSERT INTO cut_offs (kind, tenant, name, purpose, value, spared, forget_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (kind, tenant, name, purpose) DO UPDATE SET
             spared = CASE WHEN excluded.value > value THEN excluded.spared ELSE spared END,
             value = max(value, excluded.value),
             forget_at = max(forget_at, excluded.forget_at)",
    )?
    .execute(params![
        kind,
        tenant,
        name,
        purpose,
        integer(value),
        list_text(spared),
        integer(forget_at)
    ])?;
    Ok(())
}

/// Reads `kind, tenant, name, purpose, value, spared, forget_at`.
pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<CutOff> {
    let (value, forget_at) = (number(row, 4)?, number(row, 6)?);
    Ok(match row.get::<_, i64>(0)? {
        SUBJECT => {
            let purpose: String = row.get(3)?;
            CutOff::Subject(SubjectCutOff {
                tenant: tenant(row, 1)?,
                subject: row.get(2)?,
                purpose: (!purpose.is_empty()).then_some(purpose),
                below: value,
                spared: list(row, 5)?,
                forget_at,
            })
        }
        TENANT => CutOff::Tenant(TenantCutOff {
            tenant: tenant(row, 1)?,
            at: value,
            forget_at,
        }),
        KEY => CutOff::Key(KeyCutOff {
            kid: row.get(2)?,
            at: value,
            forget_at,
        }),
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(0, other)),
    })
}
