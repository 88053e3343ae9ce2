/** New records, and records that take another's place. */

import { StorageError } from "../../errors.js";
import type { Consumed, Consumption, Insertion, Session, Touch } from "../../host.js";
import { newestSuccessors } from "../common/successors.js";
import { recordOf, sessionOf } from "./copies.js";
import type { State } from "./state.js";

/** Stores a record and opens or joins its session; everything is checked before anything is changed. */
export function insert(state: State, { record, session, open, guard }: Insertion): number {
  const { tenant, sid, subject } = record;
  if (!sameTenant(tenant, session.tenant) || sid !== session.sid || subject !== session.subject) {
    throw new StorageError("other", "a record and its session must have the same tenant, sid and subject");
  }
  const epoch = state.epoch(tenant, subject);
  if (guard !== undefined && epoch > guard) throw new StorageError("guard_failed", "the epoch was raised", { guard: "epoch" });
  const known = state.session(tenant, sid);
  if (open && known !== undefined) throw new StorageError("conflict", "the sid is known");
  if (!open && !joinable(known, subject)) {
    throw new StorageError("guard_failed", "the session cannot be joined", { guard: "session" });
  }
  if (state.record(tenant, record.jti) !== undefined) throw new StorageError("conflict", "the jti is known");
  if (open) state.addSession(sessionOf(session));
  else join(state, session);
  state.addRecord(recordOf(record, { epoch }));
  return epoch;
}

/** Uses up a live record of a live session in favour of its successors. */
export function consume(state: State, consumption: Consumption): Consumed {
  const { tenant, jti, sid, subject, at, request, successors } = consumption;
  const cell = state.find(tenant)?.records.get(jti);
  const session = state.session(tenant, sid);
  const record = cell?.record;
  const wins =
    record !== undefined && record.status === "live" && record.sid === sid && record.subject === subject && joinable(session, subject);
  if (cell === undefined || !wins) {
    const newest = record ? newestSuccessors(record, (known) => state.record(tenant, known)) : [];
    return { lost: { record, session, newest } };
  }
  checkSuccessors(state, consumption);
  const epoch = state.epoch(tenant, subject);
  state.changeRecord(cell, { status: { consumed: { at, request } }, successors: successors.map(({ record: { jti } }) => jti) });
  for (const successor of successors) {
    join(state, { ...successor.session, tenant, sid });
    state.addRecord(recordOf(successor.record, { epoch }));
  }
  return { won: epoch };
}

/** Notes that a session was used. */
export function touch(state: State, { tenant, sid, at }: Touch): void {
  const row = state.find(tenant)?.sessions.get(sid);
  if (row?.session.status === "live" && at > row.session.lastSeen) state.changeSession(row, { lastSeen: at });
}

function join(state: State, joining: Session): void {
  const row = state.find(joining.tenant)?.sessions.get(joining.sid);
  if (row === undefined) return;
  const lastSeen = Math.max(row.session.lastSeen, joining.lastSeen);
  state.changeSession(row, { lastSeen, endsAt: Math.max(row.session.endsAt, joining.endsAt) });
}

function joinable(session: Session | undefined, subject: string): boolean {
  return session !== undefined && session.status === "live" && session.subject === subject;
}

function sameTenant(a: string | null | undefined, b: string | null | undefined): boolean {
  return (a ?? undefined) === (b ?? undefined);
}

function checkSuccessors(state: State, { tenant, sid, subject, successors }: Consumption): void {
  const fresh = new Set<string>();
  for (const { record } of successors) {
    if (!sameTenant(record.tenant, tenant) || record.sid !== sid || record.subject !== subject) {
      throw new StorageError("other", "a successor must have its predecessor's tenant, sid and subject");
    }
    if (fresh.has(record.jti) || state.record(tenant, record.jti) !== undefined) {
      throw new StorageError("conflict", "a successor's jti is known");
    }
    fresh.add(record.jti);
  }
}
