// What is PostgreSQL's own: migrations, settings, transaction levels, and a server that goes away.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { StorageError } from "authkernel/slim";
import { postgresStorage } from "authkernel/storage/postgres";
import { everything, isLive, NOW, opening, record, revocation, stored } from "./fixtures.mjs";
import { pool, postgres, startPostgres } from "./services/postgres.mjs";

describe("postgres", { skip: !postgres }, () => {
  let server;
  const pools = [];
  const connect = (options) => {
    const made = pool(server, options);
    pools.push(made);
    return made;
  };

  before(async () => {
    server = await startPostgres();
  });
  after(async () => {
    await Promise.all(pools.map((made) => made.end()));
    await server?.remove();
  });

  /** A storage over an empty database of its own. */
  async function fresh(name, { options = {}, create = "" } = {}) {
    await connect({ max: 1 }).query(`CREATE DATABASE ${name} ${create}`);
    const database = connect({ database: name, ...options });
    return { database, storage: postgresStorage({ pool: database }) };
  }

  test("many migrate at once, and nothing is done twice", async () => {
    const { database } = await fresh("migrations", { options: { max: 20 } });
    const unready = postgresStorage({ pool: database });
    await assert.rejects(unready.find({ jti: "t1" }), (error) => error.kind === "other" && error.message.includes("migrate()"));
    await assert.rejects(unready.check(), /schema version 0.*migrate\(\)/);
    await Promise.all([...Array(20)].map(() => postgresStorage({ pool: database }).migrate()));
    const { rows } = await database.query("SELECT version FROM authkernel.migrations ORDER BY version");
    assert.deepEqual(rows.map(({ version }) => version), [1, 2, 3, 4]);
    await unready.check();
    await database.query("INSERT INTO authkernel.migrations (version) VALUES (1000)");
    await assert.rejects(unready.migrate(), /schema version 1000.*newer program/);
    await assert.rejects(unready.check(), /schema version 1000.*newer program/);
  });

  test("a role that may not create schemas uses one that was made for it", async () => {
    const { database } = await fresh("restricted");
    await database.query("CREATE ROLE app LOGIN");
    const app = postgresStorage({ pool: connect({ database: "restricted", user: "app" }) });
    await assert.rejects(app.migrate(), (error) => error instanceof StorageError && error.kind === "other");
    await database.query("CREATE SCHEMA authkernel AUTHORIZATION app");
    await app.migrate();
    assert.equal(await app.insert(opening(record("anna", "s1", "t1"))), 0);
  });

  test("another encoding is refused", async () => {
    const { storage } = await fresh("latin", { create: "ENCODING LATIN1 LOCALE 'C' TEMPLATE template0" });
    await assert.rejects(storage.migrate(), /encoding LATIN1/);
    await assert.rejects(storage.check(), /encoding LATIN1/);
  });

  test("a server that could lose revocations is refused", async () => {
    const { database, storage } = await fresh("settings");
    await storage.migrate();
    await database.query("ALTER SYSTEM SET fsync = off");
    await database.query("SELECT pg_reload_conf()");
    const giveUp = Date.now() + 10_000;
    while ((await database.query("SHOW fsync")).rows[0].fsync === "on" && Date.now() < giveUp);
    await assert.rejects(storage.check(), /fsync = off/);
    await database.query("ALTER SYSTEM RESET fsync");
    await database.query("SELECT pg_reload_conf()");
  });

  test("it works whatever the transaction level and the commit mode are by default, and commits durably", async () => {
    for (const level of ["repeatable read", "serializable"]) {
      const name = level.replace(" ", "_");
      const { database, storage } = await fresh(name);
      await storage.migrate();
      await database.query(`ALTER DATABASE ${name} SET default_transaction_isolation = '${level}'`);
      await database.query(`ALTER DATABASE ${name} SET synchronous_commit = off`);
      const strict = postgresStorage({ pool: connect({ database: name }) });
      // A sign-in and a sign-out of each subject at once, as in the races.
      await Promise.all(
        [...Array(50).keys()].map(async (round) => {
          const signIn = strict.insert(opening(record(`s${round}`, `sid${round}`, `t${round}`), 0)).catch((error) => {
            assert.equal(error.guard, "epoch");
          });
          await Promise.all([signIn, strict.revokeMatching(everything(`s${round}`))]);
          assert.equal(await isLive(strict, `t${round}`), false, `round ${round}`);
        }),
      );
      assert.ok((await strict.findMany([{ subject: "s0" }, { subject: "s1" }])).every(({ epoch }) => epoch === 1));
    }
  });

  test("a transaction that asks for less commits durably all the same", async () => {
    const { database, storage } = await fresh("durable");
    await storage.migrate();
    await database.query("ALTER DATABASE durable SET synchronous_commit = off");
    const client = await connect({ database: "durable" }).connect();
    await client.query("BEGIN");
    const mode = async () => (await client.query("SHOW synchronous_commit")).rows[0].synchronous_commit;
    assert.equal(await mode(), "off");
    await client.query("SELECT authkernel.lock_subject('', 'anna')");
    assert.equal(await mode(), "on");
    await client.query("ROLLBACK");
    client.release();
  });

  test("one connection, unprepared statements and parsers of the application make no difference", async () => {
    const { database, storage } = await fresh("parsers", { options: { max: 1 } });
    await storage.migrate();
    // An application that reads large numbers and JSON in its own way: int8, json, numeric, jsonb.
    const spoiled = new Set([20, 114, 1700, 3802]);
    const types = { getTypeParser: (oid) => (text) => (spoiled.has(oid) ? "not this" : text) };
    const odd = postgresStorage({ pool: connect({ database: "parsers", max: 1, types }), prepare: false });
    const made = record("a\0\u0001b", "s1", "t1", { extraData: '{"a":"\\u0000\\u0001"}' });
    assert.equal(await odd.insert(opening(made)), 0);
    assert.deepEqual(await stored(odd, "t1"), { ...made, tenant: undefined, act: undefined });
    assert.deepEqual(await stored(storage, "t1"), await stored(odd, "t1"));
    assert.equal((await odd.list({ subject: made.subject, at: NOW, withRecord: true, limit: 1 })).sessions.length, 1);
    assert.equal((await odd.revokeMatching(everything(made.subject))).records, 1);
    assert.equal((await database.query("SELECT subject FROM authkernel.records")).rows[0].subject, "a\u0001\u0001\u0001\u0002b");
  });

  test("the largest times are kept", async () => {
    const { storage } = await fresh("times");
    await storage.migrate();
    await storage.raiseCutOff({ key: { kid: "k1", at: Number.MAX_SAFE_INTEGER, forgetAt: 2 ** 64 } });
    const { cutOffs } = await storage.find({ kid: "k1" });
    assert.deepEqual(cutOffs, [{ key: { kid: "k1", at: Number.MAX_SAFE_INTEGER, forgetAt: Number.MAX_SAFE_INTEGER } }]);
  });

  test("deletion is bounded", async () => {
    const { storage } = await fresh("deletion");
    await storage.migrate();
    for (const n of [1, 2, 3]) await storage.insert(opening(record("anna", `s${n}`, `t${n}`, { expiresAt: NOW + n })));
    assert.deepEqual(await storage.deleteExpired({ before: NOW + 3, limit: 1 }), { records: 1, sessions: 1, cutOffs: 0, more: true });
    assert.deepEqual(await storage.deleteExpired({ before: NOW + 3, limit: 5 }), { records: 1, sessions: 1, cutOffs: 0, more: false });
    assert.ok(await isLive(storage, "t3"));
  });

  test("deadlocks are tried again", async () => {
    const { database, storage } = await fresh("deadlocks");
    await storage.migrate();
    for (const subject of ["anna", "berta"]) await storage.insert(opening(record(subject, subject, subject)));
    let failures = 2;
    const flaky = {
      connect: () => database.connect(),
      async query(query) {
        if (failures-- > 0) throw Object.assign(new Error("deadlock detected"), { code: "40P01" });
        return database.query(query);
      },
    };
    const answer = await postgresStorage({ pool: flaky }).revoke(revocation({ token: "anna" }));
    assert.equal(answer.outcome, "revoked");
    failures = Infinity;
    await assert.rejects(postgresStorage({ pool: flaky }).find({}), (error) => error.kind === "unavailable");
  });

  test("a server that dies is unavailable, and works again after its restart, with all that was answered", async () => {
    const { storage } = await fresh("outage", { options: { query_timeout: 3_000 } });
    await storage.migrate();
    await storage.insert(opening(record("anna", "s1", "t1")));
    // Under load, so that calls are under way when it dies.
    const revoked = [];
    const errors = [];
    let running = true;
    const load = [...Array(8).keys()].map(async (worker) => {
      for (let n = 0; running; n += 1) {
        const name = `${worker}.${n}`;
        try {
          await storage.insert(opening(record(name, name, name)));
          await storage.revoke(revocation({ token: name }));
          revoked.push(name);
        } catch (error) {
          errors.push(error);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await server.stop("SIGQUIT");
    for (const method of ["find", "insert", "revokeMatching", "check"]) {
      const argument = { find: { jti: "t1" }, insert: opening(record("anna", "s2", "t2")), revokeMatching: everything("anna") }[method];
      await assert.rejects(storage[method](argument), (error) => error instanceof StorageError && error.kind === "unavailable", method);
    }
    await server.start();
    await new Promise((resolve) => setTimeout(resolve, 500));
    running = false;
    await Promise.all(load);
    assert.ok(revoked.length > 10 && errors.length > 0, `${revoked.length} revocations, ${errors.length} errors`);
    for (const error of errors) {
      // An insertion whose answer was lost may have been stored; names are never used twice here.
      assert.equal(error.kind, "unavailable", error.message);
    }
    for (const name of revoked) assert.ok((await stored(storage, name))?.status.revoked, `${name} was revoked`);
    assert.ok(await isLive(storage, "t1"));
  });

  test("a server that does not answer is unavailable in time", async () => {
    const { storage } = await fresh("stuck", { options: { query_timeout: 500, connectionTimeoutMillis: 500 } });
    await storage.migrate();
    // All processes of the server hang, as a machine that lost its network.
    const listed = execFileSync("ps", ["-o", "pid=", "--ppid", String(server.pid)], { encoding: "utf8" });
    const children = listed.split(/\s+/).filter(Boolean).map(Number);
    for (const pid of [server.pid, ...children]) process.kill(pid, "SIGSTOP");
    try {
      await assert.rejects(storage.find({ jti: "t1" }), (error) => error.kind === "unavailable");
      await assert.rejects(storage.insert(opening(record("anna", "s1", "t1"))), (error) => error.kind === "unavailable");
    } finally {
      for (const pid of [server.pid, ...children]) process.kill(pid, "SIGCONT");
    }
    assert.equal((await storage.find({ jti: "unknown" })).epoch, 0);
  });
});
