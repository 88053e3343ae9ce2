/** Storage in one SQLite file, shared with the Rust adapter. */

import { StorageError } from "../errors.js";
import type { SyncStorage } from "./common/sync.js";
import { sqlStorage } from "./sql/storage.js";
import { touch } from "./sql/upkeep.js";
import { type BetterSqlite3Database, connectionOf, type NodeSqliteDatabase } from "./sqlite/connections.js";
import { sqliteDriver } from "./sqlite/driver.js";
import { open } from "./sqlite/open.js";
import { Touches } from "./sqlite/touches.js";

export type { SyncStorage } from "./common/sync.js";
export type { BetterSqlite3Database, NodeSqliteDatabase } from "./sqlite/connections.js";

/** What the storage is made from. */
export interface SqliteStorageOptions {
  /** A `Database` of better-sqlite3, or a `DatabaseSync` of `node:sqlite`. It stays the application's, to close as well. */
  database: BetterSqlite3Database | NodeSqliteDatabase;
  /**
   * How long a call waits for a lock that another process holds before it is `unavailable`, in milliseconds; 5000 when absent. The whole
   * thread waits with it.
   */
  busyTimeout?: number | undefined;
}

/** A storage in one SQLite file. */
export type SqliteStorage = SyncStorage & {
  /** Writes what waits to be written, and refuses every later call. The database itself stays open: close it after this. */
  close(): void;
};

/**
 * Storage in one SQLite file: the same tables as the Rust adapter's, so that a Rust process and any number of Node processes share one
 * file, and a revocation by one is seen by the next look-up of each.
 *
 * Every call is one transaction, and what is answered is on disk: the database is set to a write-ahead log with `synchronous = FULL`,
 * which is read back. Every write costs an `fsync`, for which the thread waits. When a session was last used is written with the next
 * commit, or 250 ms later.
 *
 * The connection may be shared with the application's own tables, but give the storage one of its own if the application holds
 * transactions open: inside of one, every call is refused. New files are as readable as the process's umask makes them; they hold no token
 * and no secret, but say who signed in when.
 *
 * Throws a `StorageError` when the file belongs to another application, has a newer schema, or is locked for longer than the time-out.
 *
 * @example
 * ```ts
 * import Database from "better-sqlite3"; // or: import { DatabaseSync } from "node:sqlite"
 * import { sqliteStorage } from "authkernel/storage/sqlite";
 *
 * const database = new Database("authkernel-data/authkernel.db");
 * const storage = sqliteStorage({ database });
 * process.once("exit", () => (storage.close(), database.close()));
 * ```
 */
export function sqliteStorage({ database, busyTimeout = 5000 }: SqliteStorageOptions): SqliteStorage {
  if (!Number.isSafeInteger(busyTimeout) || busyTimeout < 0) throw new RangeError("busyTimeout must be whole milliseconds, 0 or more");
  const connection = connectionOf(database);
  open(connection, busyTimeout);
  let closed = false;
  const touches = new Touches(() => {
    try {
      // Whatever waits is written first in every writing transaction.
      driver.write(() => undefined);
    } catch {
      // Best effort: the session will be used again.
    }
  });
  const driver = sqliteDriver(connection, () => {
    if (closed) throw new StorageError("unavailable", "the storage was closed");
    for (const note of touches.take()) {
      try {
        touch(driver, note);
      } catch (error) {
        // Best effort, but for errors that may have ended the whole transaction.
        if (error instanceof StorageError && error.kind === "other") continue;
        throw error;
      }
    }
  });
  const refusing = { ...driver, read: <T>(job: () => T): T => driver.read(() => (closed ? refuse() : job())) };
  return {
    ...sqlStorage(refusing, (note) => (closed ? refuse() : touches.add(note))),
    close() {
      if (!closed) touches.flush();
      closed = true;
    },
  };
}

function refuse(): never {
  throw new StorageError("unavailable", "the storage was closed");
}
