// The statements that read. Each is one statement, so it reads one snapshot, taken when it begins.

/** Everything that concerns one token; `of` gives the expression of a field of the query. An absent field is NULL, which equals nothing. */
function everything(of: (field: "tenant" | "jti" | "sid" | "subject" | "purpose" | "kid") => string): string {
  const cutOffs = (kind: number, tenant: string, name: string, purpose: string): string =>
    `SELECT c.* FROM authkernel.cut_offs c
     WHERE c.kind = ${kind} AND c.tenant = ${tenant} AND c.name = ${name} AND c.purpose IN (${purpose})`;
  return `
    (SELECT row_to_json(r) FROM authkernel.records r WHERE r.tenant = ${of("tenant")} AND r.jti = ${of("jti")})::text AS record,
    (SELECT row_to_json(s) FROM authkernel.sessions s WHERE s.tenant = ${of("tenant")} AND s.sid = ${of("sid")})::text AS session,
    (SELECT u.epoch FROM authkernel.subjects u WHERE u.tenant = ${of("tenant")} AND u.subject = ${of("subject")})::text AS epoch,
    (SELECT json_agg(row_to_json(k)) FROM (
      ${cutOffs(0, of("tenant"), of("subject"), `'', ${of("purpose")}`)}
      UNION ALL
      ${cutOffs(1, of("tenant"), "''", "''")}
      UNION ALL
      ${cutOffs(2, "''", of("kid"), "''")}
    ) k)::text AS cut_offs`;
}

const fields = ["tenant", "jti", "sid", "subject", "purpose", "kid"] as const;

export const FIND = `SELECT ${everything((field) => `$${fields.indexOf(field) + 1}::text`)}`;

export const FIND_MANY = `SELECT ${everything((field) => `q.${field}`)}
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    WITH ORDINALITY AS q (tenant, jti, sid, subject, purpose, kid, number)
  ORDER BY q.number`;

/** The live sessions of a subject after a place in their order, one more than wanted. */
export const LIST = `SELECT row_to_json(s)::text AS session FROM authkernel.sessions s
  WHERE s.tenant = $1::text AND s.subject = $2::text AND s.ended_at IS NULL AND s.ends_at > $3::bigint
    AND s.created_at <= $4::bigint AND (s.created_at < $4::bigint OR s.sid > $5::text)
    AND (NOT $6::boolean OR EXISTS (
      SELECT 1 FROM authkernel.records r
      WHERE r.tenant = s.tenant AND r.sid = s.sid AND r.status = 0 AND r.expires_at > $3::bigint))
  ORDER BY s.created_at DESC, s.sid LIMIT $7::bigint`;

/** What the server says of itself. */
export const SETTINGS = `SELECT pg_is_in_recovery()::text AS standby, current_setting('server_encoding') AS encoding,
  current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
  (SELECT count(*) FROM pg_tables WHERE schemaname = 'authkernel' AND tablename = 'migrations')::text AS migrated`;
