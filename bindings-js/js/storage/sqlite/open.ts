/** How a database is taken into use: every setting that a promise depends on is set here and read back. */

import { StorageError } from "../../errors.js";
import { isUnavailable, storageError } from "../sql/errors.js";
import { STEPS } from "../sql/schema.js";
import type { Connection } from "./connections.js";

/** `application_id` of every database of this adapter: "auth" in ASCII. */
const APPLICATION_ID = 0x61757468;
/** `PRAGMA synchronous`: a commit is on disk before it is answered. */
const FULL = 2;

/** Takes a database into use: sets it up and brings the schema up to date. */
export function open(sql: Connection, busyTimeout: number): void {
  try {
    sql.exec(`PRAGMA busy_timeout = ${busyTimeout}`);
    // Nothing is written into a file before it is known to be ours.
    if (owner(sql) === "somebody") {
      throw new StorageError("other", "the file is the database of another application: choose another path");
    }
    if (!isInMemory(sql)) writeAheadLog(sql, busyTimeout);
    // With anything less, a power cut could lose a revocation that was answered.
    sql.exec("PRAGMA synchronous = FULL");
    expect(sql, "synchronous", FULL);
    migrate(sql);
  } catch (error) {
    throw storageError(error);
  }
}

function pragma(sql: Connection, name: string): unknown {
  return sql.rows(`PRAGMA ${name}`, [])[0]?.[0];
}

function expect(sql: Connection, name: string, wanted: unknown): void {
  const found = pragma(sql, name);
  if (found === wanted) return;
  throw new StorageError("other", `sqlite runs with ${name} = ${found} instead of ${wanted}, which could lose revocations`);
}

/** Whose database it is: nobody's, ours with a schema version, or another application's. */
function owner(sql: Connection): "nobody" | "somebody" | number {
  const [application, version] = [pragma(sql, "application_id"), pragma(sql, "user_version")];
  if (application === APPLICATION_ID && typeof version === "number" && version >= 0) return version;
  return application === 0 && version === 0 ? "nobody" : "somebody";
}

function isInMemory(sql: Connection): boolean {
  const main = sql.rows("PRAGMA database_list", []).find(([, name]) => name === "main");
  return main === undefined || main[2] === "" || main[2] === null;
}

/**
 * Readers never wait for the writer only with a write-ahead log. Changing to it needs a lock for which SQLite does not call the busy
 * handler.
 */
function writeAheadLog(sql: Connection, busyTimeout: number): void {
  const deadline = Date.now() + busyTimeout;
  for (;;) {
    try {
      const mode = sql.rows("PRAGMA journal_mode = WAL", [])[0]?.[0];
      if (mode === "wal") return;
      throw new StorageError("other", `sqlite runs with journal_mode = ${mode} instead of wal, which could lose revocations`);
    } catch (error) {
      if (!isUnavailable(error) || Date.now() >= deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Brings the schema up to date, in one transaction: several processes may start at once. */
function migrate(sql: Connection): void {
  sql.exec("BEGIN IMMEDIATE");
  try {
    const known = STEPS.length;
    const found = owner(sql);
    // Whose it is was asked before; here only another process can have been quicker.
    const version = typeof found === "number" ? found : 0;
    if (version > known) {
      throw new StorageError("other", `the database has schema version ${version}, this package knows ${known}: use a newer package`);
    }
    for (const step of STEPS.slice(version)) sql.exec(step);
    if (version < known) sql.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${known}`);
    sql.exec("COMMIT");
  } catch (error) {
    if (sql.isInTransaction() !== false) sql.exec("ROLLBACK");
    throw error;
  }
}
