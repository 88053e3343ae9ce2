/** Disconnects that were committed, and deletion of what expired long ago. */

import type { Deleted, DeliveryClaim, ExpiryBatch, RecordId, Timestamp, TokenRecord } from "../../host.js";
import { withoutExtraData } from "./copies.js";
import type { SortedSet } from "./order.js";
import { type Cell, due, type State } from "./state.js";

/** Claims a batch. */
export function undelivered(state: State, { at, leaseUntil, limit, only }: DeliveryClaim): TokenRecord[] {
  const pending = only === undefined ? state.pending : state.find(only.tenant)?.subjects.get(only.subject)?.pending;
  const claimed: Cell[] = [];
  for (const cell of pending?.values() ?? []) {
    if (due(cell) > at || claimed.length >= limit) break;
    if (cell.leasedUntil <= at) claimed.push(cell);
  }
  return claimed.map((cell) => {
    cell.leasedUntil = leaseUntil;
    return withoutExtraData(cell.record);
  });
}

/** Marks disconnects as delivered. */
export function delivered(state: State, records: readonly RecordId[]): void {
  for (const { tenant, jti } of records) {
    const cell = state.find(tenant)?.records.get(jti);
    if (cell !== undefined && cell.record.notify !== "nothing") state.changeRecord(cell, { notify: "nothing" });
  }
}

/** Deletes one batch, oldest first. Epochs are never deleted. */
export function deleteExpired(state: State, { before, limit }: ExpiryBatch): Deleted {
  const records = first(state.recordEnds, limit, ({ record }) => record.expiresAt < before);
  for (const cell of records) state.removeRecord(cell);
  const sessions = first(state.sessionEnds, limit, ({ session }) => session.endsAt < before);
  for (const row of sessions) state.removeSession(row);
  const cutOffs = first(state.cutOffEnds, limit, ({ forgetAt }) => forgetAt < before);
  for (const cell of cutOffs) {
    state.cutOffEnds.delete(cell);
    cell.forget();
  }
  const isOver = (end: Timestamp | undefined): boolean => end !== undefined && end < before;
  const more =
    isOver(state.recordEnds.first()?.record.expiresAt) ||
    isOver(state.sessionEnds.first()?.session.endsAt) ||
    isOver(state.cutOffEnds.first()?.forgetAt);
  return { records: records.length, sessions: sessions.length, cutOffs: cutOffs.length, more };
}

/** The first entries that are over, up to the limit. */
function first<T>(ends: SortedSet<T>, limit: number, isOver: (entry: T) => boolean): T[] {
  const over: T[] = [];
  for (const entry of ends.values()) {
    if (over.length >= limit || !isOver(entry)) break;
    over.push(entry);
  }
  return over;
}
