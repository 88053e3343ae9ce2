import { StorageError } from "../errors.js";
import type { FindQuery, Found, Storage, SubjectId } from "../host.js";
import { Connection, type PostgresPool } from "./postgres/connection.js";
import { escaped } from "./postgres/json.js";
import { check, migrate } from "./postgres/migrate.js";
import {
  checkInsertion,
  cutOff,
  type CutOffRow,
  cutOffRow,
  record,
  type RecordRow,
  recordRow,
  session,
  type SessionRow,
  sessionRow,
  tenantKey,
} from "./servers/rows.js";
import { Touches } from "./servers/touches.js";

export type { PostgresClient, PostgresPool, PostgresQuery } from "./postgres/connection.js";

/** How a {@link postgresStorage} is made. */
export interface PostgresStorageOptions {
  /** A `Pool` of `pg`, connected to the primary. It may serve other purposes too, and is not closed. */
  pool: PostgresPool;
  /** Whether statements are prepared, with names; yes when absent. Say `false` behind a pooler that cannot keep them. */
  prepare?: boolean | undefined;
}

/** A storage in PostgreSQL. */
export interface PostgresStorage extends Storage {
  /**
   * Creates or updates the schema `authkernel`; call it before the storage is used. Many processes may do so at once. It needs a role that
   * may create a schema, or the schema made beforehand for its role.
   */
  migrate(): Promise<void>;
  /** Rejects when the server or the schema is such that a promise of the storage would not hold; call it at start. */
  check(): Promise<void>;
  /** Writes what `touch` was told and not yet written. The pool stays open. */
  close(): Promise<void>;
}

/**
 * Token records in PostgreSQL (13 or newer), by `pg`. The tables are those of the Rust adapter: services in both languages share them.
 *
 * Every call is one statement: what writes is a function of the schema, which takes the subject's row first. Set
 * `connectionTimeoutMillis` and `query_timeout` on the pool, and listen to its `error` event, or a server that goes away ends or holds up
 * the process.
 *
 * A connection that is lost during a write leaves its outcome open; the call is refused as `unavailable`, and repeating it is safe.
 *
 * @example
 * ```ts
 * import { createAuthenticator } from "authkernel";
 * import { postgresStorage } from "authkernel/storage/postgres";
 * import { Pool } from "pg";
 *
 * const pool = new Pool({ connectionTimeoutMillis: 2_000, query_timeout: 5_000 });
 * pool.on("error", (error) => console.error("an idle connection was lost", error));
 * const storage = postgresStorage({ pool });
 * await storage.migrate();
 * await storage.check();
 * const auth = await createAuthenticator({ policy, keys, storage });
 * ```
 */
export function postgresStorage({ pool, prepare = true }: PostgresStorageOptions): PostgresStorage {
  const connection = new Connection(pool, prepare);
  const touches = new Touches((notes) => connection.call("touch", notes));
  return {
    migrate: () => migrate(connection),
    check: () => check(connection),
    close: () => touches.flush(),

    find: async (query) => found(await connection.find(queryValues(query))),

    async findMany(queries) {
      if (queries.length === 0) return [];
      const named = queries.map((query) => ({ ...query, tenant: tenantKey(query.tenant) }));
      return (await connection.call("find_many", named)).map(found);
    },

    async insert(insertion) {
      checkInsertion(insertion);
      const { open, guard } = insertion;
      return connection.call("insert", {
        record: recordRow(insertion.record),
        session: sessionRow(insertion.session),
        open,
        guard: guard ?? null,
      });
    },

    async revoke({ tenant, target, subject, tombstone, sessionTombstone, ...rest }) {
      const answer = await connection.call("revoke", {
        tenant: tenantKey(tenant),
        ..."token" in target ? { jti: target.token } : { sid: target.session },
        subject: subject ?? null,
        at: rest.at,
        reason: rest.reason,
        tombstone: tombstone ? recordRow(tombstone) : null,
        session_tombstone: sessionTombstone ? sessionRow(sessionTombstone) : null,
        notify_purposes: rest.notifyPurposes,
        due: rest.due,
        limit: rest.limit,
      });
      return { ...answer, pending: answer.pending.map(record) };
    },

    async revokeMatching(revocation) {
      const { cutOffs } = revocation;
      const answer = await connection.call("revoke_matching", {
        tenant: tenantKey(revocation.tenant),
        subject: revocation.subject,
        include_purposes: revocation.includePurposes ?? null,
        exclude_purposes: revocation.excludePurposes,
        keep: revocation.keep,
        issued_before: revocation.issuedBefore ?? null,
        unexpired_after: revocation.unexpiredAfter,
        end_sessions: revocation.endSessions,
        cut_offs: cutOffs === "nothing" ? [] : cutOffs === "subject" ? [""] : cutOffs.purposes.map(namedPurpose),
        forget_at: revocation.forgetAt,
        at: revocation.at,
        reason: revocation.reason,
        notify_purposes: revocation.notifyPurposes,
        delay_sid: revocation.delay?.sid ?? null,
        delay_due: revocation.delay?.due ?? null,
        limit: revocation.limit,
        dry_run: revocation.dryRun,
      });
      const { sessions, records, notify_records: notifyRecords, notify_sessions: notifySessions, more, epoch } = answer;
      return { sessions, records, notifyRecords, notifySessions, pending: answer.pending.map(record), more, epoch };
    },

    async consume({ tenant, jti, sid, subject, at, request, successors }) {
      for (const successor of successors) {
        const { record } = successor;
        if (tenantKey(record.tenant) !== tenantKey(tenant) || record.sid !== sid || record.subject !== subject) {
          throw new StorageError("other", "a successor must have its predecessor's tenant, sid and subject");
        }
      }
      const answer = await connection.call("consume", {
        tenant: tenantKey(tenant),
        jti,
        sid,
        subject,
        at,
        request: request ?? null,
        successors: successors.map((successor) => ({
          record: recordRow(successor.record),
          session: { ...sessionRow(successor.session), tenant: tenantKey(tenant), sid, subject },
        })),
      });
      if (answer.won !== undefined) return { won: answer.won };
      return {
        lost: {
          record: answer.record === null ? undefined : record(answer.record),
          session: answer.session === null ? undefined : session(answer.session),
          newest: answer.newest.map(record),
        },
      };
    },

    touch: (touch) => touches.add(touch),

    async list({ tenant, subject, at, withRecord, after, limit }) {
      const place = { after_created_at: after?.createdAt ?? null, after_sid: after?.sid ?? null };
      const call = { tenant: tenantKey(tenant), subject, at, with_record: withRecord, ...place, limit };
      const rows: SessionRow[] = (await connection.call("list", call)) ?? [];
      return { sessions: rows.slice(0, limit).map(session), more: rows.length > limit };
    },

    async undelivered({ at, leaseUntil, limit, only }) {
      const claim = { at, lease_until: leaseUntil, limit, ...onlyOf(only) };
      return (await connection.call("undelivered", claim)).map(record);
    },

    async delivered(records) {
      if (records.length === 0) return;
      await connection.call("delivered", records.map(({ tenant, jti }) => ({ tenant: tenantKey(tenant), jti })));
    },

    async deleteExpired({ before, limit }) {
      const { records, sessions, cut_offs: cutOffs, more } = await connection.call("delete_expired", { before, limit });
      return { records, sessions, cutOffs, more };
    },

    async raiseCutOff(cutOff) {
      await connection.call("raise_cut_off", cutOffRow(cutOff));
    },
  };
}

function queryValues(query: FindQuery): (string | null)[] {
  const { tenant, jti, sid, subject, purpose, kid } = query;
  return [tenantKey(tenant), jti, sid, subject, purpose, kid].map((value) => (typeof value === "string" ? escaped(value) : null));
}

interface FoundRows {
  record: RecordRow | null;
  session: SessionRow | null;
  epoch: number | null;
  cut_offs: CutOffRow[] | null;
}

function found(rows: FoundRows): Found {
  return {
    record: rows.record === null ? undefined : record(rows.record),
    session: rows.session === null ? undefined : session(rows.session),
    cutOffs: (rows.cut_offs ?? []).map(cutOff),
    epoch: rows.epoch ?? 0,
  };
}

function namedPurpose(purpose: string): string {
  if (purpose === "") throw new StorageError("other", "a purpose is never empty: leave it out");
  return purpose;
}

function onlyOf(only: SubjectId | undefined): { tenant?: string; subject?: string } {
  return only ? { tenant: tenantKey(only.tenant), subject: only.subject } : {};
}
