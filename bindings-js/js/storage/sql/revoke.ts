/** Revocation of one token or one session. Runs inside a writing transaction. */

import type { Revocation, RevocationOutcome, Revoked, Timestamp } from "../../host.js";
import type { Driver } from "./driver.js";
import {
  cut,
  insertRecord,
  insertSession,
  integer,
  LIVE,
  number,
  RECORD_WITHOUT_EXTRA_DATA,
  recordFrom,
  REVOKED,
  sessionBySid,
  tenantKey,
  text,
} from "./rows.js";

const TOKEN = "SELECT id, purpose, subject, status FROM records WHERE tenant = ? AND jti = ?";
const OWNER = "SELECT subject FROM records INDEXED BY records_by_session WHERE tenant = ? AND sid = ? LIMIT 1";
const LIVE_OF_SESSION = `SELECT id, purpose FROM records INDEXED BY records_by_session WHERE tenant = ? AND sid = ? AND status = ${LIVE}`;
const REVOKE = `UPDATE records SET status = ${REVOKED}, status_at = ?, status_text = ?, notify_due = ? WHERE id = ? AND status = ${LIVE}`;
const END = "UPDATE sessions SET ended_at = ?, ended_reason = ? WHERE tenant = ? AND sid = ? AND ended_at IS NULL";
const PENDING_OF_TOKEN = `SELECT ${RECORD_WITHOUT_EXTRA_DATA} FROM records WHERE tenant = ? AND jti = ? AND notify_due <= ? LIMIT ?`;
/** Only what was revoked is ever pending. */
const PENDING_OF_SESSION = `SELECT ${RECORD_WITHOUT_EXTRA_DATA} FROM records INDEXED BY records_by_session
  WHERE tenant = ? AND sid = ? AND status = ${REVOKED} AND notify_due <= ? ORDER BY notify_due, jti LIMIT ?`;

/** A live record that is to be revoked. */
export interface LiveRecord {
  id: number;
  purpose: string;
}

/** What was there of a target. */
interface Target {
  known: boolean;
  revoked: boolean;
  records: number;
}

export function revoke(sql: Driver, revocation: Revocation): Revoked {
  const { target: of } = revocation;
  const target = "token" in of ? revokeToken(sql, revocation, of.token) : revokeSession(sql, revocation, of.session);
  if (target === undefined) return { outcome: "not_found", records: 0, pending: [], more: false };
  const written = writeTombstones(sql, revocation);
  return { outcome: outcomeOf(target, written), records: target.records, ...pendingOf(sql, revocation) };
}

function outcomeOf(target: Target, written: boolean): RevocationOutcome {
  if (target.revoked) return "revoked";
  if (target.known) return "already";
  return written ? "tombstoned" : "not_found";
}

/** `undefined` when it is another subject's. */
function revokeToken(sql: Driver, revocation: Revocation, jti: string): Target | undefined {
  const [row] = sql.rows(TOKEN, [tenantKey(revocation.tenant), jti]);
  if (row === undefined) return { known: false, revoked: false, records: 0 };
  const [id, purpose, subject, status] = row;
  if (revocation.subject !== undefined && revocation.subject !== subject) return undefined;
  const revoked = status === LIVE;
  if (revoked) revokeOne(sql, { id: number(id, "id"), purpose: text(purpose, "purpose") }, revocation);
  return { known: true, revoked, records: revoked ? 1 : 0 };
}

/** `undefined` when it is another subject's. */
function revokeSession(sql: Driver, revocation: Revocation, sid: string): Target | undefined {
  const tenant = tenantKey(revocation.tenant);
  const session = sessionBySid(sql, tenant, sid);
  // Records can outlive the row of their session only by a defect, and must not outlive its revocation.
  const owner = session === undefined ? sql.rows(OWNER, [tenant, sid])[0]?.[0] : session.subject;
  if (owner !== undefined && revocation.subject !== undefined && revocation.subject !== owner) return undefined;
  const live = sql.rows(LIVE_OF_SESSION, [tenant, sid]);
  for (const [id, purpose] of live) revokeOne(sql, { id: number(id, "id"), purpose: text(purpose, "purpose") }, revocation);
  const wasLive = session?.status === "live";
  if (wasLive) endSession(sql, tenant, sid, revocation.at, revocation.reason);
  return { known: owner !== undefined, revoked: wasLive || live.length > 0, records: live.length };
}

function revokeOne(sql: Driver, record: LiveRecord, { at, reason, notifyPurposes, due }: Revocation): void {
  revokeRecord(sql, record, at, reason, notifyPurposes.includes(record.purpose) ? due : undefined);
}

/** Writes what is missing; true when anything was. */
function writeTombstones(sql: Driver, { target, tombstone, sessionTombstone }: Revocation): boolean {
  let written = false;
  if (sessionTombstone !== undefined && "session" in target) written = insertSession(sql, sessionTombstone);
  if (tombstone !== undefined) written = insertRecord(sql, tombstone, tombstone.epoch) || written;
  return written;
}

/** The target's disconnects that are due, those of earlier calls included. */
function pendingOf(sql: Driver, { tenant, target, at, limit }: Revocation): Pick<Revoked, "pending" | "more"> {
  const [statement, key] = "token" in target ? [PENDING_OF_TOKEN, target.token] : [PENDING_OF_SESSION, target.session];
  const { page, more } = cut(sql.rows(statement, [tenantKey(tenant), key, integer(at), limit + 1]).map(recordFrom), limit);
  return { pending: page, more };
}

/** Revokes one live record; its disconnect is due at `notify`, if at all. */
export function revokeRecord(sql: Driver, { id }: LiveRecord, at: Timestamp, reason: string, notify: Timestamp | undefined): void {
  sql.run(REVOKE, [integer(at), reason, notify === undefined ? null : integer(notify), id]);
}

/** Ends one live session. */
export function endSession(sql: Driver, tenant: string, sid: string, at: Timestamp, reason: string): void {
  sql.run(END, [integer(at), reason, tenant, sid]);
}
