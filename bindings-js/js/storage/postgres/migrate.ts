import { StorageError } from "../../errors.js";
import type { Connection } from "./connection.js";
import { storageError } from "./errors.js";
import { STEPS } from "./schema.js";

/** Taken by whoever migrates; the number means nothing else. */
const ADVISORY_LOCK = "7022352937417843057";

/** What the server says of itself. */
const SETTINGS = `SELECT pg_is_in_recovery()::text AS standby, current_setting('server_encoding') AS encoding,
  current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
  (SELECT count(*) FROM pg_tables WHERE schemaname = 'authkernel' AND tablename = 'migrations')::text AS migrated`;

const VERSIONS = `CREATE TABLE IF NOT EXISTS authkernel.migrations (
  version    INTEGER PRIMARY KEY,
  applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)`;

/** The schema's version; step `n` leads to version `n + 1`. */
const NEWEST = STEPS.length;

/** Brings the schema up to date, in one transaction; whoever comes second waits and finds it done. */
export async function migrate(connection: Connection): Promise<void> {
  try {
    await connection.transaction(async (client) => {
      await client.query({ text: `SELECT pg_advisory_xact_lock(${ADVISORY_LOCK})` });
      const settings = (await client.query({ text: SETTINGS })).rows[0];
      checkEncoding(settings);
      const found = settings.migrated === "0" ? 0 : await version(client);
      if (found > NEWEST) throw newer(found);
      for (const step of STEPS.slice(found)) await client.query({ text: step });
      if (found === 0) await client.query({ text: VERSIONS });
      for (let step = found + 1; step <= NEWEST; step += 1) {
        await client.query({ text: `INSERT INTO authkernel.migrations (version) VALUES (${step})` });
      }
    });
  } catch (error) {
    throw storageError(error);
  }
}

/** Refuses a server or a schema with which a promise of the storage would not hold. */
export async function check(connection: Connection): Promise<void> {
  try {
    const settings = (await connection.pool.query({ text: SETTINGS })).rows[0];
    checkEncoding(settings);
    if (settings.standby === "true") {
      throw new StorageError("unavailable", "the server is a standby, which may not have seen a revocation: connect to the primary");
    }
    for (const name of ["fsync", "full_page_writes"]) {
      if (settings[name] !== "on") {
        throw new StorageError("other", `postgresql runs with ${name} = ${settings[name]} instead of on, which could lose revocations`);
      }
    }
    const found = settings.migrated === "0" ? 0 : await version(connection.pool);
    if (found > NEWEST) throw newer(found);
    if (found < NEWEST) {
      throw new StorageError("other", `the database has schema version ${found}, this program needs ${NEWEST}: call migrate()`);
    }
  } catch (error) {
    throw storageError(error);
  }
}

async function version(client: { query(query: { text: string }): Promise<{ rows: any[] }> }): Promise<number> {
  const { rows } = await client.query({ text: "SELECT coalesce(max(version), 0)::text AS version FROM authkernel.migrations" });
  return Number(rows[0].version);
}

function checkEncoding(settings: { encoding: string }): void {
  if (settings.encoding !== "UTF8") {
    throw new StorageError("other", `the database has the encoding ${settings.encoding}: use one with UTF8`);
  }
}

function newer(found: number): StorageError {
  return new StorageError("other", `the database has schema version ${found}, this program knows ${NEWEST}: use a newer program`);
}
