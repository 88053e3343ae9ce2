/** New records, the sessions that they open or join, and records that take another's place. Run inside a writing transaction. */

import { StorageError } from "../../errors.js";
import type { Consumed, Consumption, Insertion, Session, TokenRecord } from "../../host.js";
import { newestSuccessors } from "../common/successors.js";
import type { Driver } from "./driver.js";
import { CONSUMED, epochOf, insertRecord, insertSession, integer, listText, recordByJti, sessionBySid, tenantKey } from "./rows.js";

const JOIN = `UPDATE sessions SET last_seen = max(last_seen, ?), ends_at = max(ends_at, ?)
  WHERE tenant = ? AND sid = ? AND subject = ? AND ended_at IS NULL RETURNING 1 AS joined`;
const CONSUME = `UPDATE records SET status = ${CONSUMED}, status_at = ?, status_text = ?, successors = ?
  WHERE tenant = ? AND jti = ? AND status = 0`;

export function insert(sql: Driver, { record, session, open, guard }: Insertion): number {
  const tenant = tenantKey(record.tenant);
  if (tenant !== tenantKey(session.tenant) || record.sid !== session.sid || record.subject !== session.subject) {
    throw new StorageError("other", "a record and its session must have the same tenant, sid and subject");
  }
  const epoch = epochOf(sql, tenant, record.subject);
  if (guard !== undefined && epoch > guard) throw new StorageError("guard_failed", "the epoch was raised", { guard: "epoch" });
  if (open) {
    if (!insertSession(sql, session)) throw new StorageError("conflict", "the sid is known");
  } else if (!join(sql, session)) {
    throw new StorageError("guard_failed", "the session cannot be joined", { guard: "session" });
  }
  if (!insertRecord(sql, record, epoch)) throw new StorageError("conflict", "the jti is known");
  return epoch;
}

/** Extends a live session of the same subject; false when there is none. */
function join(sql: Driver, { tenant, sid, subject, lastSeen, endsAt }: Session): boolean {
  return sql.rows(JOIN, [integer(lastSeen), integer(endsAt), tenantKey(tenant), sid, subject]).length > 0;
}

/** The write lock is held since before the record is read: one caller wins. */
export function consume(sql: Driver, consumption: Consumption): Consumed {
  const { jti, sid, subject, at, request, successors } = consumption;
  const tenant = tenantKey(consumption.tenant);
  const record = recordByJti(sql, tenant, jti);
  const session = sessionBySid(sql, tenant, sid);
  if (!mayWin(consumption, record, session)) {
    return { lost: { record, session, newest: record ? newestSuccessors(record, (known) => recordByJti(sql, tenant, known)) : [] } };
  }
  const epoch = epochOf(sql, tenant, subject);
  sql.run(CONSUME, [integer(at), request, listText(successors.map((successor) => successor.record.jti)), tenant, jti]);
  for (const { record: next, session: of } of successors) {
    if (tenantKey(next.tenant) !== tenant || next.sid !== sid || next.subject !== subject) {
      throw new StorageError("other", "a successor must have its predecessor's tenant, sid and subject");
    }
    if (!join(sql, { ...of, tenant: next.tenant, sid, subject })) {
      throw new StorageError("guard_failed", "the session cannot be joined", { guard: "session" });
    }
    if (!insertRecord(sql, next, epoch)) throw new StorageError("conflict", "a successor's jti is known");
  }
  return { won: epoch };
}

function mayWin({ sid, subject }: Consumption, record: TokenRecord | undefined, session: Session | undefined): boolean {
  const recordFits = record?.status === "live" && record.sid === sid && record.subject === subject;
  return recordFits && session?.status === "live" && session.subject === subject;
}
