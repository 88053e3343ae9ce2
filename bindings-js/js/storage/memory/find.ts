/** Look-ups. */

import type { CutOff, FindQuery, Found, ListQuery, Session, StoredSessions } from "../../host.js";
import { NO_CUT_OFFS } from "./copies.js";
import type { Cell, Row, State, Subject, Tenant } from "./state.js";

/** Everything that concerns one token. */
export function find(state: State, query: FindQuery): Found {
  const { jti, sid, subject: name, kid } = query;
  const tenant = state.find(query.tenant);
  const keyCutOff = kid === undefined ? undefined : state.keys.get(kid);
  if (tenant === undefined) {
    return { record: undefined, session: undefined, cutOffs: keyCutOff === undefined ? NO_CUT_OFFS : [keyCutOff.cutOff], epoch: 0 };
  }
  const cell = jti === undefined ? undefined : tenant.records.get(jti);
  const record = cell?.record;
  const session = sid === undefined ? undefined : rowOf(tenant, cell, sid)?.session;
  const subject = name === undefined ? undefined : subjectOf(tenant, cell, name);
  let cutOffs = NO_CUT_OFFS;
  if (keyCutOff !== undefined || tenant.cutOff !== undefined || subject?.cutOffs !== undefined) {
    const { purpose } = query;
    const all = [
      subject?.cutOffs?.get(undefined),
      purpose === undefined ? undefined : subject?.cutOffs?.get(purpose),
      tenant.cutOff,
      keyCutOff,
    ];
    cutOffs = all.flatMap((cell): CutOff[] => (cell === undefined ? [] : [cell.cutOff]));
  }
  return { record, session, cutOffs, epoch: subject === undefined ? 0 : subject.epoch };
}

/** The session, by way of the record where that is one of it. */
function rowOf(tenant: Tenant, cell: Cell | undefined, sid: string): Row | undefined {
  if (cell === undefined || cell.record.sid !== sid) return tenant.sessions.get(sid);
  if (cell.row === undefined || cell.row.gone) cell.row = tenant.sessions.get(sid);
  return cell.row;
}

/** The subject, by way of the record where that is the subject's. */
function subjectOf(tenant: Tenant, cell: Cell | undefined, name: string): Subject | undefined {
  if (cell === undefined || cell.record.subject !== name) return tenant.subjects.get(name);
  if (cell.of === undefined || cell.of.gone) cell.of = tenant.subjects.get(name);
  return cell.of;
}

/** The live sessions of a subject, newest first, one page. */
export function list(state: State, query: ListQuery): StoredSessions {
  const tenant = state.find(query.tenant);
  const subject = tenant?.subjects.get(query.subject);
  const sessions: Session[] = [];
  if (tenant === undefined || subject === undefined) return { sessions, more: false };
  for (const { session } of subject.sessions.values(query.after && cursor(query.after))) {
    if (session.endsAt <= query.at || (query.withRecord && !hasLiveRecord(tenant, session.sid, query.at))) continue;
    if (sessions.length >= query.limit) return { sessions, more: true };
    sessions.push(session);
  }
  return { sessions, more: false };
}

/** A row that stands in the order of sessions where the page before ended. */
function cursor({ createdAt, sid }: { createdAt: number; sid: string }): Row {
  return { session: { sid, subject: "", createdAt, lastSeen: 0, endsAt: 0, status: "live" }, gone: false, order: 0 };
}

function hasLiveRecord(tenant: Tenant, sid: string, at: number): boolean {
  for (const { record } of tenant.bySession.get(sid) ?? []) if (record.status === "live" && record.expiresAt > at) return true;
  return false;
}
