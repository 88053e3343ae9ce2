/** Transactions on one connection. */

import { StorageError } from "../../errors.js";
import type { Driver } from "../sql/driver.js";
import { storageError } from "../sql/errors.js";
import type { Connection } from "./connections.js";

/** The driver of a connection; `before` runs first in every writing transaction. */
export function sqliteDriver(sql: Connection, before: () => void): Driver {
  // Always begun by the call itself: inside a transaction of the application a look-up could read a snapshot from before a revocation, and
  // a revocation would be answered before it is committed. SQLite refuses to begin a transaction inside another.
  const transaction = <T>(begin: string, end: string, job: () => T): T => {
    if (!sql.isOpen()) throw new StorageError("unavailable", "the database was closed");
    if (sql.isInTransaction()) {
      throw new StorageError("other", "the database is inside a transaction of the application: call outside of it");
    }
    try {
      sql.run(begin, []);
    } catch (error) {
      throw storageError(error);
    }
    try {
      const answer = job();
      sql.run(end, []);
      return answer;
    } catch (error) {
      rollBack(sql);
      throw error instanceof StorageError ? error : storageError(error);
    }
  };
  return {
    rows(text, params) {
      try {
        return sql.rows(text, params);
      } catch (error) {
        throw storageError(error);
      }
    },
    run(text, params) {
      try {
        sql.run(text, params);
      } catch (error) {
        throw storageError(error);
      }
    },
    // Nothing was written: which statement ends a reading transaction makes no difference.
    read: (job) => transaction("BEGIN", "ROLLBACK", job),
    // IMMEDIATE takes the write lock before anything is read: what a job reads stays true until it is committed, whatever other processes
    // do. This is what serialises the writes for one subject.
    write: (job) =>
      transaction("BEGIN IMMEDIATE", "COMMIT", () => {
        before();
        return job();
      }),
  };
}

/** SQLite gives up a whole transaction by itself for some errors, such as a full disk. */
function rollBack(sql: Connection): void {
  if (sql.isInTransaction() === false) return;
  try {
    sql.run("ROLLBACK", []);
  } catch {
    // There is none to undo any more, or the database is closed, which undoes it.
  }
}
