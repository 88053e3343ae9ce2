import { StorageError } from "../errors.js";
import type { FindQuery, Found, Storage } from "../host.js";
import { cutOffOf, list, recordOf, sessionOf } from "./redis/answers.js";
import { check, type RedisDurability } from "./redis/check.js";
import { type RedisClient, Scripts } from "./redis/client.js";
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
import { cutOffRow } from "./servers/rows.js";
import { Touches } from "./servers/touches.js";

export type { RedisDurability } from "./redis/check.js";
export type { IoRedisClient, NodeRedisClient, RedisClient } from "./redis/client.js";

/** How a {@link redisStorage} is made. */
export interface RedisStorageOptions {
  /** A client of `ioredis` or of `redis`, connected to the primary. It may serve other purposes too, and is not closed. */
  client: RedisClient;
  /** The beginning of all keys; `{authkernel}:` when absent. It must have a hash tag if the server is a cluster. */
  prefix?: string | undefined;
  /** What a crash of the server may cost, which {@link RedisStorage.check} holds the server to; `always` (nothing) when absent. */
  durability?: RedisDurability | undefined;
  /** How long a call may take, waiting for a connection included; 5,000 ms when absent. */
  timeoutMs?: number | undefined;
}

/** A storage in Redis. */
export interface RedisStorage extends Storage {
  /** Rejects when the server is such that a promise of the storage would not hold; call it at start. */
  check(): Promise<void>;
  /** Writes what `touch` was told and not yet written. The client stays open. */
  close(): Promise<void>;
}

/** More queries than this go in several scripts, so that none holds up the server. */
const FIND_AT_ONCE = 500;

/**
 * Token records in Redis (7 or newer) or Valkey, by `ioredis` or `redis`. Every call is one script, so nothing comes between its parts. The
 * scripts and the keys are those of the Rust adapter: services in both languages share them.
 *
 * Limits:
 * - All keys are in one hash slot: in a cluster they are on one node, which all the work is done by.
 * - Revocations survive a crash only with `appendonly yes` and `appendfsync always`, and are never evicted only with
 *   `maxmemory-policy noeviction`: `check()` refuses anything less than `durability` asks for.
 * - Replication is asynchronous: a fail-over to a replica may lose the last writes, revocations included. Where that must not be, use
 *   PostgreSQL.
 * - Make the client without an offline queue (`enableOfflineQueue: false` in `ioredis`, `disableOfflineQueue: true` in `redis`), so that a
 *   call that was given up is not carried out later.
 *
 * @example
 * ```ts
 * import { createAuthenticator } from "authkernel";
 * import { redisStorage } from "authkernel/storage/redis";
 * import { createClient } from "redis";
 *
 * const client = createClient({ disableOfflineQueue: true });
 * client.on("error", (error) => console.error(error));
 * await client.connect();
 * const storage = redisStorage({ client });
 * await storage.check();
 * const auth = await createAuthenticator({ policy, keys, storage });
 * ```
 */
export function redisStorage(options: RedisStorageOptions): RedisStorage {
  const scripts = new Scripts(options.client, options.prefix ?? "{authkernel}:", options.timeoutMs ?? 5_000);
  const touches = new Touches((notes) => scripts.run("touch", notes));
  const find = async (queries: FindQuery[]): Promise<Found[]> => list(await scripts.run("find", queries.map(queryCall))).map(found);
  return {
    check: () => check(scripts, options.durability ?? "always"),
    close: () => touches.flush(),

    async find(query) {
      const [answer] = await find([query]);
      if (answer === undefined) throw new StorageError("other", "redis: a query was not answered");
      return answer;
    },

    async findMany(queries) {
      const parts: FindQuery[][] = [];
      for (let at = 0; at < queries.length; at += FIND_AT_ONCE) parts.push(queries.slice(at, at + FIND_AT_ONCE));
      return (await Promise.all(parts.map(find))).flat();
    },

    async insert(insertion) {
      const { epoch } = succeeded(await scripts.run("insert", insertCall(insertion)));
      return Number(epoch);
    },

    async revoke(revocation) {
      const answer = await scripts.run("revoke", revokeCall(revocation));
      const { outcome, records, pending, more } = answer;
      return { outcome, records: Number(records), pending: list(pending).map(recordOf), more };
    },

    async revokeMatching(revocation) {
      const answer = await scripts.run("revoke_matching", revokeMatchingCall(revocation));
      return {
        sessions: Number(answer.sessions),
        records: Number(answer.records),
        notifyRecords: Number(answer.notify_records),
        notifySessions: Number(answer.notify_sessions),
        pending: list(answer.pending).map(recordOf),
        more: answer.more,
        epoch: Number(answer.epoch),
      };
    },

    async consume(consumption) {
      const { won, record, session, newest } = succeeded(await scripts.run("consume", consumeCall(consumption)));
      if (won !== undefined) return { won: Number(won) };
      return {
        lost: { record: record && recordOf(record), session: session && sessionOf(session), newest: list(newest).map(recordOf) },
      };
    },

    touch: (touch) => touches.add(touch),

    async list(query) {
      const answer = await scripts.run("list", listCall(query));
      return { sessions: list(answer.sessions).map(sessionOf), more: answer.more };
    },

    async undelivered(claim) {
      return list(await scripts.run("undelivered", undeliveredCall(claim))).map(recordOf);
    },

    async delivered(records) {
      if (records.length === 0) return;
      await scripts.run("delivered", deliveredCall(records));
    },

    async deleteExpired({ before, limit }) {
      const { records, sessions, cut_offs, more } = await scripts.run("delete_expired", { before, limit });
      return { records: Number(records), sessions: Number(sessions), cutOffs: Number(cut_offs), more };
    },

    async raiseCutOff(cutOff) {
      await scripts.run("raise_cut_off", cutOffRow(cutOff));
    },
  };
}

function found({ record, session, cut_offs, epoch }: any): Found {
  return {
    record: record && recordOf(record),
    session: session && sessionOf(session),
    cutOffs: list(cut_offs).map(cutOffOf),
    epoch: Number(epoch),
  };
}

/** The answer of a script whose conditions may fail. */
function succeeded(answer: any): any {
  const { failed } = answer;
  if (failed === "conflict") throw new StorageError("conflict");
  if (failed !== undefined) throw new StorageError("guard_failed", `the guard ${failed} does not hold`, { guard: failed });
  return answer;
}
