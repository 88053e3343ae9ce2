import type { FindQuery, Found, Storage } from "../host.js";
import { Connection, type PostgresPool } from "./postgres/connection.js";
import { escaped } from "./postgres/json.js";
import { check, migrate } from "./postgres/migrate.js";
import {
  consumeCall,
  deliveredCall,
  insertCall,
  listCall,
  queryCall,
  revokeCall,
  revokeMatchingCall,
  undeliveredCall,
} from "./servers/calls.js";
import { cutOff, type CutOffRow, cutOffRow, record, type RecordRow, session, type SessionRow } from "./servers/rows.js";
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
      return (await connection.call("find_many", queries.map(queryCall))).map(found);
    },

    insert: async (insertion) => connection.call("insert", insertCall(insertion)),

    async revoke(revocation) {
      const answer = await connection.call("revoke", revokeCall(revocation));
      return { ...answer, pending: answer.pending.map(record) };
    },

    async revokeMatching(revocation) {
      const answer = await connection.call("revoke_matching", revokeMatchingCall(revocation));
      const { sessions, records, notify_records: notifyRecords, notify_sessions: notifySessions, more, epoch } = answer;
      return { sessions, records, notifyRecords, notifySessions, pending: answer.pending.map(record), more, epoch };
    },

    async consume(consumption) {
      const answer = await connection.call("consume", consumeCall(consumption));
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

    async list(query) {
      const { limit } = query;
      const rows: SessionRow[] = (await connection.call("list", listCall(query))) ?? [];
      return { sessions: rows.slice(0, limit).map(session), more: rows.length > limit };
    },

    async undelivered(claim) {
      return (await connection.call("undelivered", undeliveredCall(claim))).map(record);
    },

    async delivered(records) {
      if (records.length === 0) return;
      await connection.call("delivered", deliveredCall(records));
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
  const { tenant, jti, sid, subject, purpose, kid } = queryCall(query);
  return [tenant, jti, sid, subject, purpose, kid].map((value) => (typeof value === "string" ? escaped(value) : null));
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
