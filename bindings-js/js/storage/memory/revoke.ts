/** Revocation of one token or one session. */

import type { Revocation, RevocationOutcome, Revoked, Timestamp } from "../../host.js";
import { compareText } from "../common/text.js";
import { page, recordOf, sessionOf } from "./copies.js";
import { type Cell, due, type State } from "./state.js";

/** What was there of a target. */
interface Target {
  known: boolean;
  revoked: boolean;
  records: number;
}

const UNKNOWN: Target = { known: false, revoked: false, records: 0 };

/** Revokes one token or one session, and writes the tombstones that are missing. */
export function revoke(state: State, revocation: Revocation): Revoked {
  const { target: of } = revocation;
  const target = "token" in of ? revokeToken(state, revocation, of.token) : revokeSession(state, revocation, of.session);
  if (target === undefined) return { outcome: "not_found", records: 0, pending: [], more: false };
  const written = addTombstones(state, revocation);
  return { outcome: outcomeOf(target, written), records: target.records, ...pendingOfTarget(state, revocation) };
}

function outcomeOf(target: Target, written: boolean): RevocationOutcome {
  if (target.revoked) return "revoked";
  if (target.known) return "already";
  return written ? "tombstoned" : "not_found";
}

/** `undefined` when it is another subject's. */
function revokeToken(state: State, revocation: Revocation, jti: string): Target | undefined {
  const cell = state.find(revocation.tenant)?.records.get(jti);
  if (cell === undefined) return UNKNOWN;
  if (revocation.subject !== undefined && cell.record.subject !== revocation.subject) return undefined;
  const revoked = cell.record.status === "live";
  if (revoked) revokeOne(state, cell, revocation);
  return { known: true, revoked, records: revoked ? 1 : 0 };
}

/** `undefined` when it is another subject's. */
function revokeSession(state: State, revocation: Revocation, sid: string): Target | undefined {
  const tenant = state.find(revocation.tenant);
  if (tenant === undefined) return UNKNOWN;
  const row = tenant.sessions.get(sid);
  const cells = [...(tenant.bySession.get(sid) ?? [])];
  // Records can outlive the row of their session only by a defect, and must not outlive its revocation.
  const owner = row?.session.subject ?? cells[0]?.record.subject;
  if (owner !== undefined && revocation.subject !== undefined && owner !== revocation.subject) return undefined;
  const live = cells.filter(({ record }) => record.status === "live");
  for (const cell of live) revokeOne(state, cell, revocation);
  const wasLive = row?.session.status === "live";
  if (row !== undefined && wasLive) {
    state.changeSession(row, { status: { ended: { at: revocation.at, reason: revocation.reason } } });
  }
  return { known: owner !== undefined, revoked: wasLive || live.length > 0, records: live.length };
}

function revokeOne(state: State, cell: Cell, { at, reason, notifyPurposes, due: moment }: Revocation): void {
  revokeRecord(state, cell, at, reason, notifyPurposes.includes(cell.record.purpose) ? moment : undefined);
}

/** Revokes one live record; its disconnect is due at `notify`, if at all. */
export function revokeRecord(state: State, cell: Cell, at: Timestamp, reason: string, notify: Timestamp | undefined): void {
  state.changeRecord(cell, { status: { revoked: { at, reason } }, notify: notify === undefined ? "nothing" : { pending: notify } });
}

/** Writes what is missing; true when anything was. */
function addTombstones(state: State, { target, tombstone, sessionTombstone }: Revocation): boolean {
  let written = false;
  if (sessionTombstone !== undefined && "session" in target) written = state.addSession(sessionOf(sessionTombstone));
  if (tombstone !== undefined) written = state.addRecord(recordOf(tombstone)) || written;
  return written;
}

function pendingOfTarget(state: State, { tenant: name, target, at, limit }: Revocation): Pick<Revoked, "pending" | "more"> {
  const tenant = state.find(name);
  if (tenant === undefined) return { pending: [], more: false };
  const cell = "token" in target ? tenant.records.get(target.token) : undefined;
  const cells = "token" in target ? (cell === undefined ? [] : [cell]) : [...(tenant.bySession.get(target.session) ?? [])];
  const pending = cells.filter((cell) => due(cell) <= at);
  pending.sort((a, b) => due(a) - due(b) || compareText(a.record.jti, b.record.jti));
  return page(
    pending.map(({ record }) => record),
    limit,
  );
}
