/** Rows and what they mean: the only place that knows the columns. Rust and JavaScript read and write the same ones. */

import { StorageError } from "../../errors.js";
import type { Notify, Session, SessionStatus, Status, TokenRecord } from "../../host.js";
import type { Driver, Param, Row } from "./driver.js";

/** A record may be used. A value of `records.status`. */
export const LIVE = 0;
/** A value of `records.status`. */
export const REVOKED = 1;
/** A value of `records.status`. */
export const CONSUMED = 2;

/** "For ever": Rust writes greater numbers for that, which JavaScript would read inexactly, or (`node:sqlite`) not at all. */
const FOR_EVER = Number.MAX_SAFE_INTEGER;

/** Selects a time or an epoch so that it fits into a number; NULL stays NULL. */
export const whole = (column: string): string => `min(${column}, ${FOR_EVER})`;

const recordColumns = (extraData: string): string =>
  `tenant, jti, sid, subject, purpose, act, kid, ${whole("issued_at")}, ${whole("expires_at")}, ${whole("epoch")}, ${extraData}, ` +
  `${whole("created_at")}, status, ${whole("status_at")}, status_text, successors, ${whole("notify_due")}`;

/** The columns of a record, in the order in which {@link recordFrom} reads them. */
export const RECORD = recordColumns("extra_data");
/** The same without extra data. */
export const RECORD_WITHOUT_EXTRA_DATA = recordColumns("NULL AS extra_data");
/** The columns of a session, in the order in which {@link sessionFrom} reads them. */
export const SESSION =
  `tenant, sid, subject, device, ${whole("created_at")}, ${whole("last_seen")}, ${whole("ends_at")}, ` +
  `${whole("ended_at")}, ended_reason`;

const INSERT_RECORD = `INSERT INTO records (tenant, jti, sid, subject, purpose, act, kid, issued_at, expires_at, epoch, extra_data,
    created_at, status, status_at, status_text, successors, notify_due)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, jti) DO NOTHING RETURNING 1 AS inserted`;
const INSERT_SESSION = `INSERT INTO sessions (tenant, sid, subject, device, created_at, last_seen, ends_at, ended_at, ended_reason)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, sid) DO NOTHING RETURNING 1 AS inserted`;
const RECORD_BY_JTI = `SELECT ${RECORD} FROM records WHERE tenant = ? AND jti = ?`;
const SESSION_BY_SID = `SELECT ${SESSION} FROM sessions WHERE tenant = ? AND sid = ?`;
const EPOCH = `SELECT ${whole("epoch")} FROM subjects WHERE tenant = ? AND subject = ?`;

/** An absent tenant is stored as the empty text; a tenant with an empty name would be taken for it. */
export function tenantKey(tenant: string | null | undefined): string {
  if (tenant === "") throw new StorageError("other", "a tenant is never empty: leave it out");
  return tenant ?? "";
}

/** A time or an epoch to store; what is greater than a number can be exactly means "for ever". */
export function integer(value: number): number {
  const stored = Math.min(value, FOR_EVER);
  if (Number.isSafeInteger(stored) && stored >= 0) return stored;
  throw new StorageError("other", "a time or an epoch must be a whole number, 0 or more");
}

/** A list as it is stored; nothing when it is empty. */
export function listText(list: readonly string[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}

function broken(column: string): StorageError {
  return new StorageError("other", `a row cannot be read: ${column} is not what this adapter stores`);
}

/** A text column. */
export function text(value: unknown, column: string): string {
  if (typeof value === "string") return value;
  throw broken(column);
}

function optionalText(value: unknown, column: string): string | undefined {
  return value === null ? undefined : text(value, column);
}

/** A time, an epoch or a count. */
export function number(value: unknown, column: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw broken(column);
}

/** A tenant as it is answered. */
export function tenantFrom(value: unknown): string | undefined {
  const tenant = text(value, "tenant");
  return tenant === "" ? undefined : tenant;
}

/** A list as it is answered. */
export function listFrom(value: unknown, column: string): string[] {
  if (value === null) return [];
  let list: unknown;
  try {
    list = JSON.parse(text(value, column));
  } catch {
    throw broken(column);
  }
  if (Array.isArray(list) && list.every((entry) => typeof entry === "string")) return list;
  throw broken(column);
}

/** A record, from the columns {@link RECORD}. */
export function recordFrom(row: Row): TokenRecord {
  return {
    tenant: tenantFrom(row[0]),
    jti: text(row[1], "jti"),
    sid: text(row[2], "sid"),
    subject: text(row[3], "subject"),
    purpose: text(row[4], "purpose"),
    act: optionalText(row[5], "act"),
    kid: text(row[6], "kid"),
    issuedAt: number(row[7], "issued_at"),
    expiresAt: number(row[8], "expires_at"),
    epoch: number(row[9], "epoch"),
    extraData: optionalText(row[10], "extra_data"),
    createdAt: number(row[11], "created_at"),
    status: statusFrom(row[12], row[13], row[14]),
    successors: listFrom(row[15], "successors"),
    notify: row[16] === null ? "nothing" : { pending: number(row[16], "notify_due") },
  };
}

function statusFrom(status: unknown, at: unknown, why: unknown): Status {
  if (status === LIVE) return "live";
  if (status === REVOKED) return { revoked: { at: number(at, "status_at"), reason: text(why, "status_text") } };
  if (status === CONSUMED) return { consumed: { at: number(at, "status_at"), request: optionalText(why, "status_text") } };
  throw broken("status");
}

/** A session, from the columns {@link SESSION}. */
export function sessionFrom(row: Row): Session {
  const endedAt = row[7];
  const status: SessionStatus =
    endedAt === null ? "live" : { ended: { at: number(endedAt, "ended_at"), reason: text(row[8], "ended_reason") } };
  return {
    tenant: tenantFrom(row[0]),
    sid: text(row[1], "sid"),
    subject: text(row[2], "subject"),
    device: optionalText(row[3], "device"),
    createdAt: number(row[4], "created_at"),
    lastSeen: number(row[5], "last_seen"),
    endsAt: number(row[6], "ends_at"),
    status,
  };
}

/** A record by its key, with its extra data. */
export function recordByJti(sql: Driver, tenant: string, jti: string): TokenRecord | undefined {
  const [row] = sql.rows(RECORD_BY_JTI, [tenant, jti]);
  return row && recordFrom(row);
}

/** A session by its key. */
export function sessionBySid(sql: Driver, tenant: string, sid: string): Session | undefined {
  const [row] = sql.rows(SESSION_BY_SID, [tenant, sid]);
  return row && sessionFrom(row);
}

/** The subject's epoch; 0 when it was never raised. */
export function epochOf(sql: Driver, tenant: string, subject: string): number {
  const [row] = sql.rows(EPOCH, [tenant, subject]);
  return row ? number(row[0], "epoch") : 0;
}

/** Stores a record as it stands, but for its epoch; false when its key is known, whatever its status. */
export function insertRecord(sql: Driver, record: TokenRecord, epoch: number): boolean {
  const inserted = sql.rows(INSERT_RECORD, [
    tenantKey(record.tenant),
    record.jti,
    record.sid,
    record.subject,
    record.purpose,
    record.act,
    record.kid,
    integer(record.issuedAt),
    integer(record.expiresAt),
    integer(epoch),
    record.extraData,
    integer(record.createdAt),
    ...statusParams(record.status),
    listText(record.successors),
    notifyDue(record.notify),
  ]);
  return inserted.length > 0;
}

function statusParams(status: Status): [Param, Param, Param] {
  if (status === "live") return [LIVE, null, null];
  if ("revoked" in status) return [REVOKED, integer(status.revoked.at), status.revoked.reason];
  return [CONSUMED, integer(status.consumed.at), status.consumed.request];
}

function notifyDue(notify: Notify): Param {
  return notify === "nothing" ? null : integer(notify.pending);
}

/** Stores a session as it stands; false when its key is known. */
export function insertSession(sql: Driver, session: Session): boolean {
  const ended = session.status === "live" ? undefined : session.status.ended;
  const inserted = sql.rows(INSERT_SESSION, [
    tenantKey(session.tenant),
    session.sid,
    session.subject,
    session.device,
    integer(session.createdAt),
    integer(session.lastSeen),
    integer(session.endsAt),
    ended && integer(ended.at),
    ended?.reason,
  ]);
  return inserted.length > 0;
}

/** Cuts a page that was read with one more than its limit. */
export function cut<T>(page: T[], limit: number): { page: T[]; more: boolean } {
  return page.length > limit ? { page: page.slice(0, limit), more: true } : { page, more: false };
}
