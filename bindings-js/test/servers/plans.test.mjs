// No call reads other subjects' rows, whatever the tables held when it was planned. Counted by the server: rows read, not time.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { postgresStorage } from "authkernel/storage/postgres";
import { consumption, everything, HOUR, NOW, opening, record, revocation } from "./fixtures.mjs";
import { pool, postgres, startPostgres } from "./services/postgres.mjs";

const ROWS = 50_000;
const TIMES = 12;

describe("plans", { skip: !postgres }, () => {
  let server;
  let connections;
  let storage;

  before(async () => {
    // Without statistics: as it is in the first minute of a new service.
    server = await startPostgres(["-c", "fsync=off", "-c", "autovacuum=off"]);
    // One connection, which keeps its plans.
    connections = pool(server, { max: 1 });
    storage = postgresStorage({ pool: connections });
    await storage.migrate();
  });
  after(async () => {
    await connections?.end();
    await server?.remove();
  });

  /** How many rows were read so far, from tables and from indexes. */
  async function read() {
    await connections.query("SELECT pg_stat_force_next_flush()");
    const { rows } = await connections.query(`
      SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes) AS rows`);
    return Number(rows[0].rows);
  }

  const query = (n) => ({ jti: `t${n}`, sid: `sid${n}`, subject: `s${n}`, purpose: "user", kid: "k1" });
  const of = (n, jti = "t") => record(`s${n}`, `sid${n}`, `${jti}${n}`);
  const calls = {
    find: (n) => storage.find(query(n)),
    findMany: (n) => storage.findMany([query(n), query(n + 1)]),
    insert: (n) => storage.insert(opening(record(`s${n}`, `new${n}`, `new${n}`))),
    consume: (n) => storage.consume(consumption(of(n), [of(n, "successor")])),
    "consume, lost": (n) => storage.consume(consumption(of(n))),
    "revoke a token": (n) => storage.revoke(revocation({ token: `successor${n}` })),
    "revoke a session": (n) => storage.revoke(revocation({ session: `sid${n}` })),
    "revoke again": (n) => storage.revoke(revocation({ session: `sid${n}` })),
    preview: (n) => storage.revokeMatching(everything(`s${n}`, { dryRun: true })),
    revokeMatching: (n) => storage.revokeMatching(everything(`s${n}`, { cutOffs: "subject" })),
    list: (n) => storage.list({ subject: `s${n + 100}`, at: NOW, withRecord: true, limit: 10 }),
    undelivered: () => storage.undelivered({ at: NOW, leaseUntil: NOW, limit: 5 }),
    "undelivered, only": (n) => storage.undelivered({ at: NOW, leaseUntil: NOW, limit: 5, only: { subject: `s${n}` } }),
    delivered: (n) => storage.delivered([{ jti: `t${n}` }, { jti: `successor${n}` }]),
    deleteExpired: () => storage.deleteExpired({ before: NOW, limit: 100 }),
    raiseCutOff: (n) => storage.raiseCutOff({ subject: { subject: `s${n}`, below: 9, spared: [], forgetAt: NOW + HOUR } }),
    touch: (n) => (storage.touch({ sid: `sid${n + 100}`, at: NOW + 9 }), storage.close()),
  };

  async function run(first) {
    const counts = {};
    for (const [name, call] of Object.entries(calls)) {
      const before = await read();
      for (let n = first; n < first + TIMES; n += 1) await call(n);
      counts[name] = ((await read()) - before) / TIMES;
    }
    return counts;
  }

  test("planned over empty tables, kept while they grow", async () => {
    await run(1);
    const values = `FROM generate_series(1, ${ROWS}) i ON CONFLICT DO NOTHING`;
    await connections.query(`INSERT INTO authkernel.subjects SELECT '', 's' || i, 0 ${values}`);
    await connections.query(`INSERT INTO authkernel.sessions
      SELECT '', 'sid' || i, 's' || i, 'd', ${NOW}, ${NOW}, ${NOW + HOUR} ${values}`);
    await connections.query(`INSERT INTO authkernel.records
      SELECT '', 't' || i, 'sid' || i, 's' || i, 'user', NULL, 'k1', ${NOW}, ${NOW + HOUR}, 0, '{}', ${NOW}, 0 ${values}`);
    await connections.query(`INSERT INTO authkernel.cut_offs SELECT 0, '', 's' || i, '', 1, NULL, ${NOW + HOUR} ${values}`);
    // Thousands of disconnects of others are pending.
    await connections.query(`UPDATE authkernel.records SET status = 1, status_at = ${NOW}, notify_due = ${NOW - 1} WHERE issued_at = ${NOW}
      AND substr(jti, 2) ~ '^[1-9]\\d{4}$'`);
    for (const [state, first] of [["not analyzed", 1_000], ["analyzed", 3_000]]) {
      if (state === "analyzed") await connections.query("ANALYZE");
      const counts = await run(first);
      console.log(state, JSON.stringify(counts));
      for (const [name, rows] of Object.entries(counts)) assert.ok(rows < 200, `${state}: ${name} reads ${rows} rows`);
    }
  });
});
