import type { CutOff, Insertion, Notify, Session, SessionStatus, Status, TokenRecord } from "../../host.js";
import { StorageError } from "../../errors.js";

// Rows and what they mean: the only place that knows the columns. Rows come and go as JSON.

/** A row of `records`; without `extra_data` in answers that leave it out. */
export interface RecordRow {
  tenant: string;
  jti: string;
  sid: string;
  subject: string;
  purpose: string;
  act: string | null;
  kid: string;
  issued_at: number;
  expires_at: number;
  epoch: number;
  extra_data?: string | null;
  created_at: number;
  status: number;
  status_at: number | null;
  status_text: string | null;
  successors: string[] | null;
  notify_due: number | null;
}

/** A row of `sessions`. */
export interface SessionRow {
  tenant: string;
  sid: string;
  subject: string;
  device: string | null;
  created_at: number;
  last_seen: number;
  ends_at: number;
  ended_at: number | null;
  ended_reason: string | null;
}

/** A row of `cut_offs`. */
export interface CutOffRow {
  kind: number;
  tenant: string;
  name: string;
  purpose: string;
  value: number;
  spared: string[] | null;
  forget_at: number;
}

/** An absent tenant is stored as the empty text; a tenant with an empty name would be taken for it. */
export function tenantKey(tenant: string | null | undefined): string {
  if (tenant === "") throw new StorageError("other", "a tenant is never empty: leave it out");
  return tenant ?? "";
}

export function recordRow(record: TokenRecord): RecordRow {
  const [status, status_at, status_text] = statusColumns(record.status);
  return {
    tenant: tenantKey(record.tenant),
    jti: record.jti,
    sid: record.sid,
    subject: record.subject,
    purpose: record.purpose,
    act: record.act ?? null,
    kid: record.kid,
    issued_at: record.issuedAt,
    expires_at: record.expiresAt,
    epoch: record.epoch,
    extra_data: record.extraData ?? null,
    created_at: record.createdAt,
    status,
    status_at,
    status_text,
    successors: record.successors.length > 0 ? record.successors : null,
    notify_due: record.notify === "nothing" ? null : record.notify.pending,
  };
}

function statusColumns(status: Status): [number, number | null, string | null] {
  if (status === "live") return [0, null, null];
  if ("revoked" in status) return [1, status.revoked.at, status.revoked.reason];
  return [2, status.consumed.at, status.consumed.request ?? null];
}

export function sessionRow(session: Session): SessionRow {
  const ended = session.status === "live" ? undefined : session.status.ended;
  return {
    tenant: tenantKey(session.tenant),
    sid: session.sid,
    subject: session.subject,
    device: session.device ?? null,
    created_at: session.createdAt,
    last_seen: session.lastSeen,
    ends_at: session.endsAt,
    ended_at: ended?.at ?? null,
    ended_reason: ended?.reason ?? null,
  };
}

export function cutOffRow(cutOff: CutOff): CutOffRow {
  if ("subject" in cutOff) {
    const { tenant, subject, purpose, below, spared, forgetAt } = cutOff.subject;
    if (purpose === "") throw new StorageError("other", "a purpose is never empty: leave it out");
    return {
      kind: 0,
      tenant: tenantKey(tenant),
      name: subject,
      purpose: purpose ?? "",
      value: below,
      spared: spared.length > 0 ? spared : null,
      forget_at: forgetAt,
    };
  }
  const time = "tenant" in cutOff ? cutOff.tenant : cutOff.key;
  const [kind, tenant, name] = "tenant" in cutOff ? [1, tenantKey(cutOff.tenant.tenant), ""] : [2, "", cutOff.key.kid];
  return { kind, tenant, name, purpose: "", value: time.at, spared: null, forget_at: time.forgetAt };
}

/** The session that a record joins or opens, which must be the record's own. */
export function checkInsertion({ record, session }: Insertion): void {
  const same = tenantKey(record.tenant) === tenantKey(session.tenant) && record.sid === session.sid && record.subject === session.subject;
  if (!same) throw new StorageError("other", "a record and its session must have the same tenant, sid and subject");
}

export function record(row: RecordRow): TokenRecord {
  return {
    tenant: row.tenant || undefined,
    jti: row.jti,
    sid: row.sid,
    subject: row.subject,
    purpose: row.purpose,
    act: row.act ?? undefined,
    kid: row.kid,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    epoch: row.epoch,
    extraData: row.extra_data ?? undefined,
    createdAt: row.created_at,
    status: status(row),
    successors: row.successors ?? [],
    notify: notify(row),
  };
}

function status({ status, status_at, status_text }: RecordRow): Status {
  if (status === 0) return "live";
  if (status === 1 && status_at !== null) return { revoked: { at: status_at, reason: status_text ?? "" } };
  if (status === 2 && status_at !== null) return { consumed: { at: status_at, request: status_text ?? undefined } };
  // Never taken for a live one.
  throw new StorageError("other", `a record has the unknown status ${status}`);
}

function notify({ notify_due }: RecordRow): Notify {
  return notify_due === null ? "nothing" : { pending: notify_due };
}

export function session(row: SessionRow): Session {
  const status: SessionStatus = row.ended_at === null ? "live" : { ended: { at: row.ended_at, reason: row.ended_reason ?? "" } };
  return {
    tenant: row.tenant || undefined,
    sid: row.sid,
    subject: row.subject,
    device: row.device ?? undefined,
    createdAt: row.created_at,
    lastSeen: row.last_seen,
    endsAt: row.ends_at,
    status,
  };
}

export function cutOff(row: CutOffRow): CutOff {
  const tenant = row.tenant || undefined;
  const time = { at: row.value, forgetAt: row.forget_at };
  if (row.kind === 0) {
    const { name: subject, value: below, forget_at: forgetAt } = row;
    return { subject: { tenant, subject, purpose: row.purpose || undefined, below, spared: row.spared ?? [], forgetAt } };
  }
  return row.kind === 1 ? { tenant: { tenant, ...time } } : { key: { kid: row.name, ...time } };
}
