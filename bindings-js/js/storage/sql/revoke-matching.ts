/** Revocation of what matches among one subject's tokens. */

import type { MatchingRevocation, MatchingRevoked, Timestamp } from "../../host.js";
import { isBefore, isSelected } from "../common/selection.js";
import { raiseSubject } from "./cut-offs.js";
import type { Driver } from "./driver.js";
import { endSession, type LiveRecord, revokeRecord } from "./revoke.js";
import { cut, epochOf, integer, LIVE, number, RECORD_WITHOUT_EXTRA_DATA, recordFrom, tenantKey, text, whole } from "./rows.js";

const RAISE_EPOCH = `INSERT INTO subjects (tenant, subject, epoch) VALUES (?, ?, 1)
  ON CONFLICT (tenant, subject) DO UPDATE SET epoch = min(epoch, 9223372036854775806) + 1 RETURNING ${whole("epoch")}`;
const SESSIONS = `SELECT sid, ${whole("created_at")}, ${whole("ends_at")} FROM sessions INDEXED BY sessions_live
  WHERE tenant = ? AND subject = ? AND ended_at IS NULL`;
const RECORDS = `SELECT id, sid, purpose, ${whole("issued_at")}, ${whole("expires_at")} FROM records INDEXED BY records_live
  WHERE tenant = ? AND subject = ? AND status = ${LIVE}`;
const PENDING = `SELECT ${RECORD_WITHOUT_EXTRA_DATA} FROM records INDEXED BY records_pending_by_subject
  WHERE tenant = ? AND subject = ? AND notify_due <= ? ORDER BY notify_due, jti LIMIT ?`;

/** What a selection means at this moment. */
interface Matches {
  /** Live records to revoke, each with its session. */
  records: (LiveRecord & { sid: string })[];
  /** Live sessions to end. */
  ending: Set<string>;
  /** Those of them that have not ended by time, which alone are counted. */
  unexpired: Set<string>;
}

/** Runs inside a writing transaction. */
export function revokeMatching(sql: Driver, revocation: MatchingRevocation): MatchingRevoked {
  const { subject, at, reason, notifyPurposes, delay } = revocation;
  const tenant = tenantKey(revocation.tenant);
  const epoch = number(sql.rows(RAISE_EPOCH, [tenant, subject])[0]?.[0], "epoch");
  const matches = matchesOf(sql, revocation);
  for (const record of matches.records) {
    const due: Timestamp = delay !== undefined && delay.sid === record.sid ? delay.due : at;
    revokeRecord(sql, record, at, reason, notifyPurposes.includes(record.purpose) ? due : undefined);
  }
  for (const sid of matches.ending) endSession(sql, tenant, sid, at, reason);
  writeCutOffs(sql, revocation, epoch);
  return { ...counts(matches, revocation), ...pendingOf(sql, revocation), epoch };
}

/** What {@link revokeMatching} would do; runs inside a reading transaction. */
export function preview(sql: Driver, revocation: MatchingRevocation): MatchingRevoked {
  const epoch = epochOf(sql, tenantKey(revocation.tenant), revocation.subject);
  return { ...counts(matchesOf(sql, revocation), revocation), pending: [], more: false, epoch };
}

function matchesOf(sql: Driver, revocation: MatchingRevocation): Matches {
  const { subject, keep, issuedBefore, unexpiredAfter } = revocation;
  const tenant = tenantKey(revocation.tenant);
  const matches: Matches = { records: [], ending: new Set(), unexpired: new Set() };
  if (revocation.endSessions) {
    for (const [id, createdAt, endsAt] of sql.rows(SESSIONS, [tenant, subject])) {
      const sid = text(id, "sid");
      if (keep.includes(sid) || !isBefore(number(createdAt, "created_at"), issuedBefore)) continue;
      if (number(endsAt, "ends_at") > unexpiredAfter) matches.unexpired.add(sid);
      matches.ending.add(sid);
    }
  }
  for (const row of sql.rows(RECORDS, [tenant, subject])) {
    if (number(row[4], "expires_at") <= unexpiredAfter) continue;
    const record = { id: number(row[0], "id"), sid: text(row[1], "sid"), purpose: text(row[2], "purpose") };
    const selected = isSelected(revocation, { ...record, issuedAt: number(row[3], "issued_at") });
    if (selected || matches.ending.has(record.sid)) matches.records.push(record);
  }
  return matches;
}

function counts(matches: Matches, { notifyPurposes, delay }: MatchingRevocation): Omit<MatchingRevoked, "pending" | "more" | "epoch"> {
  const notified = matches.records.filter(({ purpose, sid }) => notifyPurposes.includes(purpose) && sid !== delay?.sid);
  const sessions = new Set(matches.unexpired);
  for (const { sid } of matches.records) sessions.add(sid);
  return {
    sessions: sessions.size,
    records: matches.records.length,
    notifyRecords: notified.length,
    notifySessions: new Set(notified.map(({ sid }) => sid)).size,
  };
}

function writeCutOffs(sql: Driver, { tenant, subject, cutOffs, keep: spared, forgetAt }: MatchingRevocation, below: number): void {
  if (cutOffs === "nothing") return;
  const purposes = cutOffs === "subject" ? [undefined] : cutOffs.purposes;
  for (const purpose of purposes) raiseSubject(sql, { tenant, subject, purpose, below, spared, forgetAt });
}

/** The subject's disconnects that are due, those of earlier calls included. */
function pendingOf(sql: Driver, { tenant, subject, at, limit }: MatchingRevocation): Pick<MatchingRevoked, "pending" | "more"> {
  const { page, more } = cut(sql.rows(PENDING, [tenantKey(tenant), subject, integer(at), limit + 1]).map(recordFrom), limit);
  return { pending: page, more };
}
