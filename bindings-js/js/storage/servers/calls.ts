import { StorageError } from "../../errors.js";
import type { Consumption, DeliveryClaim, FindQuery, Insertion, ListQuery, MatchingRevocation, RecordId, Revocation } from "../../host.js";
import { checkInsertion, recordRow, sessionRow, tenantKey } from "./rows.js";

// What the functions of PostgreSQL and the scripts of Redis are called with: the same JSON.

export function queryCall({ tenant, jti, sid, subject, purpose, kid }: FindQuery) {
  return { tenant: tenantKey(tenant), jti, sid, subject, purpose, kid };
}

export function insertCall(insertion: Insertion) {
  checkInsertion(insertion);
  const { record, session, open, guard } = insertion;
  return { record: recordRow(record), session: sessionRow(session), open, guard: guard ?? null };
}

export function revokeCall({ tenant, target, subject, tombstone, sessionTombstone, at, reason, notifyPurposes, due, limit }: Revocation) {
  return {
    tenant: tenantKey(tenant),
    ...("token" in target ? { jti: target.token } : { sid: target.session }),
    subject: subject ?? null,
    at,
    reason,
    tombstone: tombstone ? recordRow(tombstone) : null,
    session_tombstone: sessionTombstone ? sessionRow(sessionTombstone) : null,
    notify_purposes: notifyPurposes,
    due,
    limit,
  };
}

export function revokeMatchingCall(revocation: MatchingRevocation) {
  const { cutOffs } = revocation;
  return {
    tenant: tenantKey(revocation.tenant),
    subject: revocation.subject,
    include_purposes: revocation.includePurposes ?? null,
    exclude_purposes: revocation.excludePurposes,
    keep: revocation.keep,
    issued_before: revocation.issuedBefore ?? null,
    unexpired_after: revocation.unexpiredAfter,
    end_sessions: revocation.endSessions,
    cut_offs: cutOffs === "nothing" ? [] : cutOffs === "subject" ? [""] : cutOffs.purposes.map(namedPurpose),
    forget_at: revocation.forgetAt,
    at: revocation.at,
    reason: revocation.reason,
    notify_purposes: revocation.notifyPurposes,
    delay_sid: revocation.delay?.sid ?? null,
    delay_due: revocation.delay?.due ?? null,
    limit: revocation.limit,
    dry_run: revocation.dryRun,
  };
}

export function consumeCall({ tenant: of, jti, sid, subject, at, request, successors }: Consumption) {
  const tenant = tenantKey(of);
  for (const { record } of successors) {
    if (tenantKey(record.tenant) !== tenant || record.sid !== sid || record.subject !== subject) {
      throw new StorageError("other", "a successor must have its predecessor's tenant, sid and subject");
    }
  }
  const rows = successors.map(({ record, session }) => ({
    record: recordRow(record),
    session: { ...sessionRow(session), tenant, sid, subject },
  }));
  return { tenant, jti, sid, subject, at, request: request ?? null, successors: rows };
}

export function listCall({ tenant, subject, at, withRecord, after, limit }: ListQuery) {
  const place = { after_created_at: after?.createdAt ?? null, after_sid: after?.sid ?? null };
  return { tenant: tenantKey(tenant), subject, at, with_record: withRecord, ...place, limit };
}

export function undeliveredCall({ at, leaseUntil, limit, only }: DeliveryClaim) {
  const of = only ? { tenant: tenantKey(only.tenant), subject: only.subject } : {};
  return { at, lease_until: leaseUntil, limit, ...of };
}

export function deliveredCall(records: readonly RecordId[]) {
  return records.map(({ tenant, jti }) => ({ tenant: tenantKey(tenant), jti }));
}

function namedPurpose(purpose: string): string {
  if (purpose === "") throw new StorageError("other", "a purpose is never empty: leave it out");
  return purpose;
}
