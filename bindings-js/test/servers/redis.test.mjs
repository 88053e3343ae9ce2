// What is Redis's own: scripts, settings, and a server that goes away. By both libraries.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { StorageError } from "authkernel/slim";
import { redisStorage } from "authkernel/storage/redis";
import { everything, isLive, NOW, opening, record, revocation, session, stored } from "./fixtures.mjs";
import { clients, redis, startRedis } from "./services/redis.mjs";

const unavailable = (error) => error instanceof StorageError && error.kind === "unavailable";

for (const [library, open] of Object.entries(clients)) {
  describe(library, { skip: !redis }, () => {
    let server;
    let client;
    let storage;
    before(async () => {
      server = await startRedis();
      client = await open(server);
      // Patient: the machine may be busy, and every write waits for the disk.
      storage = redisStorage({ client, timeoutMs: 30_000 });
    });
    after(async () => {
      client?.end();
      await server?.remove();
    });

    const command = (...args) => (client.call ? client.call(...args) : client.sendCommand(args));

    test("scripts that the server has forgotten are sent again", async () => {
      await storage.insert(opening(record("anna", "s1", "t1")));
      await command("SCRIPT", "FLUSH");
      assert.ok(await isLive(storage, "t1"));
      await command("SCRIPT", "FLUSH");
      const answers = await Promise.all([...Array(20)].map(() => storage.find({ jti: "t1" })));
      assert.ok(answers.every(({ record }) => record.status === "live"));
    });

    test("the settings that the promises need are checked", async () => {
      await storage.check();
      for (const [name, bad, good, text] of [
        ["appendfsync", "everysec", "always", /appendfsync everysec instead of always/],
        ["appendonly", "no", "yes", /appendonly no instead of yes/],
        ["maxmemory-policy", "allkeys-lru", "noeviction", /maxmemory-policy allkeys-lru instead of noeviction/],
      ]) {
        await command("CONFIG", "SET", name, bad);
        await assert.rejects(storage.check(), text);
        await command("CONFIG", "SET", name, good);
      }
      await command("CONFIG", "SET", "appendfsync", "everysec");
      await redisStorage({ client, durability: "everysec" }).check();
      await command("CONFIG", "SET", "appendfsync", "always");
      await storage.check();
    });

    test("a server that does not tell its settings needs somebody's word", async () => {
      await command("ACL", "SETUSER", "default", "-config");
      await assert.rejects(storage.check(), /durability: "unchecked"/);
      await redisStorage({ client, durability: "unchecked" }).check();
      await command("ACL", "SETUSER", "default", "+config");
    });

    test("a full server is unavailable, changes nothing, and still answers", async () => {
      const before = await storage.find({ jti: "t1", sid: "s1", subject: "anna" });
      await command("CONFIG", "SET", "maxmemory", "1");
      await assert.rejects(storage.insert(opening(record("anna", "s2", "t2"))), unavailable);
      await assert.rejects(storage.revokeMatching(everything("anna")), unavailable);
      assert.deepEqual(await storage.find({ jti: "t1", sid: "s1", subject: "anna" }), before);
      await command("CONFIG", "SET", "maxmemory", "0");
      assert.deepEqual(await storage.find({ jti: "t2" }), { record: undefined, session: undefined, cutOffs: [], epoch: 0 });
    });

    test("the largest times are kept", async () => {
      await storage.raiseCutOff({ key: { kid: "k1", at: Number.MAX_SAFE_INTEGER, forgetAt: 2 ** 64 } });
      const { cutOffs } = await storage.find({ kid: "k1" });
      assert.deepEqual(cutOffs, [{ key: { kid: "k1", at: Number.MAX_SAFE_INTEGER, forgetAt: Number.MAX_SAFE_INTEGER } }]);
      const late = record("late", "late", "late", { expiresAt: Number.MAX_SAFE_INTEGER, createdAt: Number.MAX_SAFE_INTEGER });
      await storage.insert(opening(late));
      assert.equal((await stored(storage, "late")).expiresAt, Number.MAX_SAFE_INTEGER);
      const listed = await storage.list({ subject: "late", at: NOW, withRecord: true, limit: 1 });
      assert.deepEqual(listed.sessions.map(({ endsAt }) => endsAt), [session(late).endsAt]);
    });

    test("names that would run into each other as keys stay apart", async () => {
      const tenants = [undefined, "1", "1:", "0:", "1:a", "a"];
      for (const tenant of tenants) {
        for (const jti of ["a", "1:a", ":a"]) {
          await storage.insert(opening(record("x", jti, jti, { tenant, extraData: JSON.stringify([tenant, jti]) })));
        }
      }
      for (const tenant of tenants) {
        for (const jti of ["a", "1:a", ":a"]) assert.equal((await stored(storage, jti, tenant)).extraData, JSON.stringify([tenant, jti]));
      }
    });

    test("more sessions than one look takes are paged whole", async () => {
      const count = 350;
      for (let n = 0; n < count; n += 1) {
        const made = record("many", `many${n}`, `many${n}`, { createdAt: NOW + (n % 3), expiresAt: NOW + 10 + (n % 2) });
        await storage.insert(opening(made));
      }
      const seen = [];
      for (let after; ; ) {
        const page = await storage.list({ subject: "many", at: NOW, withRecord: true, after, limit: 7 });
        seen.push(...page.sessions.map(({ sid }) => sid));
        if (!page.more) break;
        after = page.sessions.at(-1);
      }
      assert.equal(new Set(seen).size, count);
      assert.equal(seen.length, count);
      const done = await storage.revokeMatching(everything("many", { limit: 5 }));
      assert.deepEqual([done.records, done.sessions, done.pending.length, done.more], [count, count, 5, true]);
      const claimed = await storage.undelivered({ at: NOW, leaseUntil: NOW + 1, limit: 300, only: { subject: "many" } });
      const rest = await storage.undelivered({ at: NOW, leaseUntil: NOW + 1, limit: 300, only: { subject: "many" } });
      assert.deepEqual([claimed.length, rest.length], [300, 50]);
    });

    test("deletion is bounded and leaves no key behind", async () => {
      const own = redisStorage({ client, prefix: "{deletion}:" });
      for (const n of [1, 2, 3]) await own.insert(opening(record("anna", `s${n}`, `t${n}`, { expiresAt: NOW + n })));
      await own.revokeMatching(everything("anna", { cutOffs: "subject", forgetAt: NOW }));
      assert.deepEqual(await own.deleteExpired({ before: NOW + 9, limit: 1 }), { records: 1, sessions: 1, cutOffs: 1, more: true });
      assert.deepEqual(await own.deleteExpired({ before: NOW + 9, limit: 5 }), { records: 2, sessions: 2, cutOffs: 0, more: false });
      const left = await command("KEYS", "{deletion}:*");
      assert.deepEqual(left, ["{deletion}:epoch:0:anna"], "epochs are never deleted");
    });

    test("what was answered survives the death of the server; meanwhile it is unavailable", async () => {
      for (const n of [...Array(50).keys()]) {
        await storage.insert(opening(record(`d${n}`, `d${n}`, `d${n}`)));
        if (n % 2 === 0) await storage.revoke(revocation({ session: `d${n}` }));
      }
      await server.stop("SIGKILL");
      await assert.rejects(storage.find({ jti: "d0" }), unavailable);
      await assert.rejects(storage.insert(opening(record("anna", "s3", "t3"))), unavailable);
      await assert.rejects(storage.check(), unavailable);
      await server.start();
      const giveUp = Date.now() + 10_000;
      for (;;) {
        try {
          await storage.find({});
          break;
        } catch (error) {
          assert.ok(unavailable(error) && Date.now() < giveUp, error.message);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
      for (const n of [...Array(50).keys()]) assert.equal(await isLive(storage, `d${n}`), n % 2 === 1, `d${n}`);
    });

    test("a server that does not answer is unavailable in time", async () => {
      server.pause();
      try {
        const begun = Date.now();
        await assert.rejects(redisStorage({ client, timeoutMs: 500 }).find({ jti: "t1" }), unavailable);
        assert.ok(Date.now() - begun < 3_000);
      } finally {
        server.resume();
      }
      assert.ok(await isLive(storage, "t1"));
    });
  });
}
