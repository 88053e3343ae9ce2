/** Disconnects that were committed, sessions that were used, and deletion of what expired long ago. */

import type { Deleted, DeliveryClaim, ExpiryBatch, RecordId, TokenRecord, Touch } from "../../host.js";
import type { Driver } from "./driver.js";
import { integer, RECORD_WITHOUT_EXTRA_DATA, recordFrom, tenantKey } from "./rows.js";

const DUE = `SELECT ${RECORD_WITHOUT_EXTRA_DATA} FROM records INDEXED BY records_pending
  WHERE notify_due <= ? AND leased_until <= ? ORDER BY notify_due, tenant, jti LIMIT ?`;
const DUE_OF_SUBJECT = `SELECT ${RECORD_WITHOUT_EXTRA_DATA} FROM records INDEXED BY records_pending_by_subject
  WHERE tenant = ? AND subject = ? AND notify_due <= ? AND leased_until <= ? ORDER BY notify_due, jti LIMIT ?`;
const LEASE = "UPDATE records SET leased_until = ? WHERE tenant = ? AND jti = ?";
const DELIVERED = "UPDATE records SET notify_due = NULL WHERE tenant = ? AND jti = ? AND notify_due IS NOT NULL";
const TOUCH = "UPDATE sessions SET last_seen = ? WHERE tenant = ? AND sid = ? AND last_seen < ? AND ended_at IS NULL";
const DELETE_RECORDS = `DELETE FROM records WHERE id IN (
  SELECT id FROM records INDEXED BY records_by_expiry WHERE expires_at < ? ORDER BY expires_at LIMIT ?) RETURNING 1 AS deleted`;
const DELETE_SESSIONS = `DELETE FROM sessions WHERE (tenant, sid) IN (
  SELECT tenant, sid FROM sessions INDEXED BY sessions_by_end WHERE ends_at < ? ORDER BY ends_at LIMIT ?) RETURNING 1 AS deleted`;
const DELETE_CUT_OFFS = `DELETE FROM cut_offs WHERE (kind, tenant, name, purpose) IN (
  SELECT kind, tenant, name, purpose FROM cut_offs INDEXED BY cut_offs_by_forget_at
  WHERE forget_at < ? ORDER BY forget_at LIMIT ?) RETURNING 1 AS deleted`;
const MORE = `SELECT EXISTS (SELECT 1 FROM records WHERE expires_at < ?) OR EXISTS (SELECT 1 FROM sessions WHERE ends_at < ?)
  OR EXISTS (SELECT 1 FROM cut_offs WHERE forget_at < ?) AS more`;

/** Claims a batch; runs inside a writing transaction. */
export function undelivered(sql: Driver, { at, leaseUntil, limit, only }: DeliveryClaim): TokenRecord[] {
  const now = integer(at);
  const rows =
    only === undefined
      ? sql.rows(DUE, [now, now, limit])
      : sql.rows(DUE_OF_SUBJECT, [tenantKey(only.tenant), only.subject, now, now, limit]);
  const records = rows.map(recordFrom);
  for (const { tenant, jti } of records) sql.run(LEASE, [integer(leaseUntil), tenantKey(tenant), jti]);
  return records;
}

/** Marks disconnects as delivered. */
export function delivered(sql: Driver, records: readonly RecordId[]): void {
  for (const { tenant, jti } of records) sql.run(DELIVERED, [tenantKey(tenant), jti]);
}

/** Sessions that are unknown, ended, or were seen later are left as they are. */
export function touch(sql: Driver, { tenant, sid, at }: Touch): void {
  const moment = integer(at);
  sql.run(TOUCH, [moment, tenantKey(tenant), sid, moment]);
}

/** Deletes one batch, oldest first; runs inside a writing transaction. Epochs are never deleted. */
export function deleteExpired(sql: Driver, { before, limit }: ExpiryBatch): Deleted {
  const moment = integer(before);
  const deleted = (statement: string): number => sql.rows(statement, [moment, limit]).length;
  const counts = { records: deleted(DELETE_RECORDS), sessions: deleted(DELETE_SESSIONS), cutOffs: deleted(DELETE_CUT_OFFS) };
  return { ...counts, more: sql.rows(MORE, [moment, moment, moment])[0]?.[0] === 1 };
}
