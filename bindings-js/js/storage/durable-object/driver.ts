/** The database of a Durable Object. */

import { StorageError } from "../../errors.js";
import type { Driver } from "../sql/driver.js";
import { bound, storageError } from "../sql/errors.js";
import { STEPS } from "../sql/schema.js";
import type { DurableObjectStorageLike } from "./runtime.js";

/** The pragmas that say whose a file is are not available there: the schema version has a table of its own. */
const VERSION_TABLE = "CREATE TABLE IF NOT EXISTS authkernel_schema (version INTEGER NOT NULL) STRICT";

/**
 * The driver of an object's database. One object runs on one thread and no other process reads its database, so that a synchronous
 * look-up is a snapshot by itself; the runtime holds back every answer that leaves the object until what was written is durable.
 */
export function durableObjectDriver(storage: DurableObjectStorageLike): Driver {
  const translated = <T>(job: () => T): T => {
    try {
      return job();
    } catch (error) {
      throw storageError(error);
    }
  };
  const driver: Driver = {
    rows: (text, params) => translated(() => [...storage.sql.exec(text, ...bound(params)).raw()]),
    run: (text, params) => void driver.rows(text, params),
    read: (job) => job(),
    write: (job) => translated(() => storage.transactionSync(job)),
  };
  driver.write(() => migrate(driver));
  return driver;
}

function migrate(sql: Driver): void {
  sql.run(VERSION_TABLE, []);
  const found = Number(sql.rows("SELECT version FROM authkernel_schema", [])[0]?.[0] ?? 0);
  if (found > STEPS.length) {
    const known = STEPS.length;
    throw new StorageError("other", `the database has schema version ${found}, this package knows ${known}: use a newer package`);
  }
  if (found === STEPS.length) return;
  for (const step of STEPS.slice(found)) sql.run(step, []);
  sql.run("DELETE FROM authkernel_schema", []);
  sql.run("INSERT INTO authkernel_schema (version) VALUES (?)", [STEPS.length]);
}
