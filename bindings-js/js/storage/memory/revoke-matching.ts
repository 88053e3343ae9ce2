/** Revocation of what matches among one subject's tokens. */

import type { MatchingRevocation, MatchingRevoked, Timestamp, TokenRecord } from "../../host.js";
import { isBefore, isSelected } from "../common/selection.js";
import { page } from "./copies.js";
import { raiseSubject } from "./cut-offs.js";
import { revokeRecord } from "./revoke.js";
import { type Cell, due, type Row, type State, type Subject } from "./state.js";

/** What a selection means at this moment. */
interface Matches {
  /** Live records to revoke, and whether connections are to be told. */
  records: { cell: Cell; notified: boolean }[];
  /** Live sessions to end. */
  ending: Map<string, Row>;
  /** Those of them that have not ended by time, which alone are counted. */
  unexpired: Set<string>;
}

/** Revokes what matches and raises the epoch; a dry run only counts. */
export function revokeMatching(state: State, revocation: MatchingRevocation): MatchingRevoked {
  const { tenant, subject: name, at, reason, delay } = revocation;
  const matches = matchesOf(state.find(tenant)?.subjects.get(name), revocation);
  if (revocation.dryRun) return { ...counts(matches, revocation), pending: [], more: false, epoch: state.epoch(tenant, name) };
  const subject = state.tenant(tenant).subject(name);
  subject.epoch += 1;
  const { epoch } = subject;
  for (const { cell, notified } of matches.records) {
    const moment = delay !== undefined && delay.sid === cell.record.sid ? delay.due : at;
    revokeRecord(state, cell, at, reason, notified ? moment : undefined);
  }
  for (const row of matches.ending.values()) state.changeSession(row, { status: { ended: { at, reason } } });
  addCutOffs(state, revocation, epoch);
  return { ...counts(matches, revocation), ...page(dueRecords(subject, at), revocation.limit), epoch };
}

function matchesOf(subject: Subject | undefined, revocation: MatchingRevocation): Matches {
  const matches: Matches = { records: [], ending: new Map(), unexpired: new Set() };
  if (subject === undefined) return matches;
  const { keep, issuedBefore, unexpiredAfter, notifyPurposes } = revocation;
  if (revocation.endSessions) {
    for (const row of subject.sessions.values()) {
      const { sid, createdAt, endsAt } = row.session;
      if (keep.includes(sid) || !isBefore(createdAt, issuedBefore)) continue;
      if (endsAt > unexpiredAfter) matches.unexpired.add(sid);
      matches.ending.set(sid, row);
    }
  }
  for (const cell of subject.live) {
    const { record } = cell;
    if (record.expiresAt <= unexpiredAfter) continue;
    if (!matches.ending.has(record.sid) && !isSelected(revocation, record)) continue;
    matches.records.push({ cell, notified: notifyPurposes.includes(record.purpose) });
  }
  return matches;
}

function counts({ records, unexpired }: Matches, { delay }: MatchingRevocation): Omit<MatchingRevoked, "pending" | "more" | "epoch"> {
  const notified = records.filter(({ cell, notified }) => notified && cell.record.sid !== delay?.sid);
  const sessions = new Set(unexpired);
  for (const { cell } of records) sessions.add(cell.record.sid);
  return {
    sessions: sessions.size,
    records: records.length,
    notifyRecords: notified.length,
    notifySessions: new Set(notified.map(({ cell }) => cell.record.sid)).size,
  };
}

function addCutOffs(state: State, { tenant, subject, cutOffs, keep: spared, forgetAt }: MatchingRevocation, below: number): void {
  if (cutOffs === "nothing") return;
  const purposes = cutOffs === "subject" ? [undefined] : cutOffs.purposes;
  for (const purpose of purposes) raiseSubject(state, { tenant, subject, purpose, below, spared, forgetAt });
}

function* dueRecords(subject: Subject, at: Timestamp): Generator<TokenRecord> {
  for (const cell of subject.pending.values()) {
    if (due(cell) > at) return;
    yield cell.record;
  }
}
