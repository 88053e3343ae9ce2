// The one SQLite file that holds accounts and tokens, over whichever library is there.

import { AuthError } from "authkernel";
import { sqliteStorage } from "authkernel/storage/sqlite";
import { StartError } from "./errors.js";

/** How long a call waits for a lock of another process, in milliseconds; everybody waits with it. */
const BUSY = 1_000;
/** What may succeed later, by SQLite's names and numbers: locked, full, read-only, a failing device, no memory. */
const LATER = /^SQLITE_(?:BUSY|LOCKED|NOMEM|READONLY|IOERR|FULL|CANTOPEN|PROTOCOL)/;
const LATER_NUMBERS = new Set([5, 6, 7, 8, 10, 13, 14, 15]);

/** Opens the file with `node:sqlite` where Node has it, otherwise with better-sqlite3. */
export async function openDatabase(file) {
  const sql = await library(file);
  let storage;
  try {
    storage = sqliteStorage({ database: sql, busyTimeout: BUSY });
  } catch (error) {
    sql.close();
    throw new StartError(`database ${file}: ${error.message}`, { cause: error });
  }
  const statements = new Map();
  const statement = (text) => {
    let prepared = statements.get(text);
    if (prepared === undefined) statements.set(text, (prepared = sql.prepare(text)));
    return prepared;
  };
  const translated = (work) => {
    try {
      return work();
    } catch (error) {
      throw storageError(error);
    }
  };
  return {
    /** The tokens. */
    storage,
    /** The first row of a statement. */
    get: (text, ...params) => translated(() => statement(text).get(...params)),
    all: (text, ...params) => translated(() => statement(text).all(...params)),
    /** Runs a statement, and answers how many rows it changed and the last new id. */
    run: (text, ...params) => translated(() => statement(text).run(...params)),
    exec: (text) => translated(() => sql.exec(text)),
    /** Everything in the job is committed together, or nothing. It must not wait for anything. */
    transaction(job) {
      return translated(() => {
        sql.exec("BEGIN IMMEDIATE");
        try {
          const answer = job();
          sql.exec("COMMIT");
          return answer;
        } catch (error) {
          try {
            sql.exec("ROLLBACK");
          } catch {
            // SQLite has ended it by itself.
          }
          throw error;
        }
      });
    },
    close() {
      storage.close();
      sql.close();
    },
  };
}

async function library(file) {
  let open = await import("node:sqlite").then(
    ({ DatabaseSync }) =>
      (path) =>
        new DatabaseSync(path),
    () => undefined,
  );
  open ??= await import("better-sqlite3").then(
    ({ default: Database }) =>
      (path) =>
        new Database(path),
    () => undefined,
  );
  if (open === undefined) throw new StartError("no sqlite: use Node 22.13 or newer, or install better-sqlite3");
  try {
    return open(file);
  } catch (error) {
    throw new StartError(`database ${file}: ${error.message}`, { cause: error });
  }
}

/** An error of the accounts in the words that the kernel has for those of its storage. */
function storageError(error) {
  if (error instanceof AuthError) return error;
  const later = typeof error.errcode === "number" ? LATER_NUMBERS.has(error.errcode & 0xff) : LATER.test(String(error.code));
  return later
    ? new AuthError("storage_unavailable", "unavailable", "storage is not available: try again later", { cause: error })
    : new AuthError("storage_failed", "internal", "storage failed: see the log of the service", { cause: error });
}
