/** What is stored, and the indexes over it. Everything that changes a row goes through here, so that no index is ever behind. */

import type { CutOff, Session, Timestamp, TokenRecord } from "../../host.js";
import { compareText } from "../common/text.js";
import { recordOf, sessionOf } from "./copies.js";
import { SortedSet } from "./order.js";

/** A tenant, or none. */
export type TenantName = string | null | undefined;

/** A record, and until when somebody else sends its disconnect. */
export interface Cell {
  record: TokenRecord;
  leasedUntil: Timestamp;
  /** Tells those of one moment apart. */
  readonly order: number;
  /** Its session and its subject, once they were looked up, so that the next look-up of the token costs one map and not three. */
  row: Row | undefined;
  of: Subject | undefined;
}

/** A session. */
export interface Row {
  session: Session;
  /** It was deleted: whoever still points here must look it up again. */
  gone: boolean;
  /** Tells those of one moment apart. */
  readonly order: number;
}

/** A cut-off, as `find` answers it, when it may be forgotten, and how to do so. */
export interface CutOffCell {
  cutOff: CutOff;
  forgetAt: Timestamp;
  /** Tells those of one moment apart. */
  readonly order: number;
  readonly forget: () => void;
}

/** All of one subject that is not a row. */
export class Subject {
  epoch = 0;
  /** It was dropped because nothing was left of it: whoever still points here must look it up again. */
  gone = false;
  /** Its live records. */
  readonly live = new Set<Cell>();
  /** Its live sessions, newest first. */
  readonly sessions = new SortedSet<Row>(newestFirst);
  /** Its undelivered disconnects, oldest first. */
  readonly pending = new SortedSet<Cell>(oldestDueFirst);
  /** By purpose; the subject-wide one under `undefined`. */
  cutOffs: Map<string | undefined, CutOffCell> | undefined;

  get isEmpty(): boolean {
    const empty = this.live.size === 0 && this.sessions.size === 0 && this.pending.size === 0;
    return empty && this.epoch === 0 && this.cutOffs === undefined;
  }
}

/** All of one tenant. */
export class Tenant {
  readonly records = new Map<string, Cell>();
  readonly sessions = new Map<string, Row>();
  /** By sid: its records, whatever their status. */
  readonly bySession = new Map<string, Set<Cell>>();
  readonly subjects = new Map<string, Subject>();
  cutOff: CutOffCell | undefined;

  subject(name: string): Subject {
    let subject = this.subjects.get(name);
    if (subject === undefined) this.subjects.set(name, (subject = new Subject()));
    return subject;
  }

  /** Drops what is empty of a subject; a raised epoch stays for ever. */
  forgetSubject(name: string): void {
    const subject = this.subjects.get(name);
    if (!subject?.isEmpty) return;
    subject.gone = true;
    this.subjects.delete(name);
  }

  get isEmpty(): boolean {
    return this.records.size === 0 && this.sessions.size === 0 && this.subjects.size === 0 && this.cutOff === undefined;
  }
}

/** All that is stored. */
export class State {
  /** What has no tenant. */
  readonly none = new Tenant();
  readonly tenants = new Map<string, Tenant>();
  readonly keys = new Map<string, CutOffCell>();
  /** Undelivered disconnects, oldest first. */
  readonly pending = new SortedSet<Cell>(oldestDueFirst);
  readonly recordEnds = new SortedSet<Cell>((a, b) => a.record.expiresAt - b.record.expiresAt || a.order - b.order);
  readonly sessionEnds = new SortedSet<Row>((a, b) => a.session.endsAt - b.session.endsAt || a.order - b.order);
  readonly cutOffEnds = new SortedSet<CutOffCell>((a, b) => a.forgetAt - b.forgetAt || a.order - b.order);

  #order = 0;

  /** The tenant, if anything of it is stored. */
  find(name: TenantName): Tenant | undefined {
    return name === undefined || name === null ? this.none : this.tenants.get(name);
  }

  tenant(name: TenantName): Tenant {
    if (name === undefined || name === null) return this.none;
    let tenant = this.tenants.get(name);
    if (tenant === undefined) this.tenants.set(name, (tenant = new Tenant()));
    return tenant;
  }

  /** Drops a tenant of which nothing is stored. */
  forgetTenant(name: TenantName): void {
    if (name !== undefined && name !== null && this.tenants.get(name)?.isEmpty) this.tenants.delete(name);
  }

  record(tenant: TenantName, jti: string): TokenRecord | undefined {
    return this.find(tenant)?.records.get(jti)?.record;
  }

  session(tenant: TenantName, sid: string): Session | undefined {
    return this.find(tenant)?.sessions.get(sid)?.session;
  }

  /** The subject's epoch; 0 when it was never raised. */
  epoch(tenant: TenantName, subject: string): number {
    return this.find(tenant)?.subjects.get(subject)?.epoch ?? 0;
  }

  /** Stores a record; false when its key is known. */
  addRecord(record: TokenRecord): boolean {
    const tenant = this.tenant(record.tenant);
    if (tenant.records.has(record.jti)) return false;
    const cell: Cell = { record, leasedUntil: 0, order: this.#order++, row: undefined, of: undefined };
    tenant.records.set(record.jti, cell);
    this.recordEnds.add(cell);
    if (record.sid !== "") {
      const cells = tenant.bySession.get(record.sid);
      if (cells === undefined) tenant.bySession.set(record.sid, new Set([cell]));
      else cells.add(cell);
    }
    this.#indexRecord(tenant, cell, true);
    return true;
  }

  /** Changes a record; its key, session, subject and expiry stay. */
  changeRecord(cell: Cell, changes: Partial<Pick<TokenRecord, "status" | "successors" | "notify">>): void {
    const tenant = this.tenant(cell.record.tenant);
    this.#indexRecord(tenant, cell, false);
    cell.record = recordOf(cell.record, changes);
    this.#indexRecord(tenant, cell, true);
    tenant.forgetSubject(cell.record.subject);
  }

  removeRecord(cell: Cell): void {
    const { tenant: name, jti, sid, subject } = cell.record;
    const tenant = this.tenant(name);
    this.#indexRecord(tenant, cell, false);
    this.recordEnds.delete(cell);
    tenant.records.delete(jti);
    const cells = tenant.bySession.get(sid);
    cells?.delete(cell);
    if (cells?.size === 0) tenant.bySession.delete(sid);
    tenant.forgetSubject(subject);
    this.forgetTenant(name);
  }

  /** Stores a session; false when its key is known. */
  addSession(session: Session): boolean {
    const tenant = this.tenant(session.tenant);
    if (tenant.sessions.has(session.sid)) return false;
    const row: Row = { session, gone: false, order: this.#order++ };
    tenant.sessions.set(session.sid, row);
    this.sessionEnds.add(row);
    if (session.status === "live") tenant.subject(session.subject).sessions.add(row);
    return true;
  }

  /** Changes a session; its key, subject and beginning stay. */
  changeSession(row: Row, changes: Partial<Pick<Session, "lastSeen" | "endsAt" | "status">>): void {
    const before = row.session;
    const after = sessionOf(before, changes);
    if (after.endsAt !== before.endsAt) this.sessionEnds.delete(row);
    row.session = after;
    if (after.endsAt !== before.endsAt) this.sessionEnds.add(row);
    if (after.status !== before.status && before.status === "live") this.#endedSession(row);
  }

  removeSession(row: Row): void {
    const { tenant: name, sid } = row.session;
    row.gone = true;
    this.sessionEnds.delete(row);
    this.tenant(name).sessions.delete(sid);
    this.#endedSession(row);
    this.forgetTenant(name);
  }

  #endedSession(row: Row): void {
    const tenant = this.tenant(row.session.tenant);
    tenant.subjects.get(row.session.subject)?.sessions.delete(row);
    tenant.forgetSubject(row.session.subject);
  }

  #indexRecord(tenant: Tenant, cell: Cell, add: boolean): void {
    const { subject, status, notify } = cell.record;
    if (status === "live") {
      if (add) tenant.subject(subject).live.add(cell);
      else tenant.subjects.get(subject)?.live.delete(cell);
    }
    if (notify !== "nothing") {
      const of = tenant.subject(subject);
      if (add) this.pending.add(cell), of.pending.add(cell);
      else this.pending.delete(cell), of.pending.delete(cell);
    }
  }
}

function compareTenant(a: TenantName, b: TenantName): number {
  if (a === undefined || a === null) return b === undefined || b === null ? 0 : -1;
  return b === undefined || b === null ? 1 : compareText(a, b);
}

function byKey(a: Cell, b: Cell): number {
  return compareTenant(a.record.tenant, b.record.tenant) || compareText(a.record.jti, b.record.jti);
}

/** When a record's disconnect is due. */
export function due(cell: Cell): Timestamp {
  const { notify } = cell.record;
  return notify === "nothing" ? Number.POSITIVE_INFINITY : notify.pending;
}

function oldestDueFirst(a: Cell, b: Cell): number {
  return due(a) - due(b) || byKey(a, b);
}

function newestFirst(a: Row, b: Row): number {
  return b.session.createdAt - a.session.createdAt || compareText(a.session.sid, b.session.sid);
}
