/** Look-ups: everything that concerns one token, and a subject's sessions. Run inside a reading transaction. */

import type { FindQuery, Found, ListQuery, StoredSessions } from "../../host.js";
import { CUT_OFF, cutOffFrom, KEY, SUBJECT, TENANT } from "./cut-offs.js";
import type { Driver } from "./driver.js";
import { cut, epochOf, integer, recordByJti, SESSION, sessionBySid, sessionFrom, tenantKey } from "./rows.js";

/** Four points of one key in one statement; an absent field is NULL, which equals nothing. */
const CUT_OFFS = `SELECT ${CUT_OFF} FROM cut_offs WHERE kind = ${SUBJECT} AND tenant = ? AND name = ? AND purpose IN ('', ?)
  UNION ALL SELECT ${CUT_OFF} FROM cut_offs WHERE kind = ${TENANT} AND tenant = ? AND name = '' AND purpose = ''
  UNION ALL SELECT ${CUT_OFF} FROM cut_offs WHERE kind = ${KEY} AND tenant = '' AND name = ? AND purpose = ''`;

/** The first page begins before every session: no creation time is later, no sid sorts before ''. */
const LIST = `SELECT ${SESSION} FROM sessions INDEXED BY sessions_live
  WHERE tenant = ? AND subject = ? AND ended_at IS NULL AND ends_at > ?
    AND created_at <= ifnull(?, 9223372036854775807) AND (created_at < ifnull(?, 9223372036854775807) OR sid > ?)
    AND (NOT ? OR EXISTS (
      SELECT 1 FROM records INDEXED BY records_by_session
      WHERE records.tenant = sessions.tenant AND records.sid = sessions.sid AND records.status = 0 AND records.expires_at > ?))
  ORDER BY created_at DESC, sid LIMIT ?`;

export function find(sql: Driver, query: FindQuery): Found {
  const { jti, sid, subject, purpose, kid } = query;
  const tenant = tenantKey(query.tenant);
  return {
    record: jti === undefined ? undefined : recordByJti(sql, tenant, jti),
    session: sid === undefined ? undefined : sessionBySid(sql, tenant, sid),
    cutOffs: sql.rows(CUT_OFFS, [tenant, subject, purpose, tenant, kid]).map(cutOffFrom),
    epoch: subject === undefined ? 0 : epochOf(sql, tenant, subject),
  };
}

export function list(sql: Driver, query: ListQuery): StoredSessions {
  const { after, limit } = query;
  const at = integer(query.at);
  const createdAt = after && integer(after.createdAt);
  const rows = sql.rows(LIST, [
    tenantKey(query.tenant),
    query.subject,
    at,
    createdAt,
    createdAt,
    after?.sid ?? "",
    query.withRecord ? 1 : 0,
    at,
    limit + 1,
  ]);
  const { page, more } = cut(rows.map(sessionFrom), limit);
  return { sessions: page, more };
}
