// The kernel over real servers: two services that share nothing but a store and a broker agree on every token.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createAuthenticator } from "authkernel";
import { postgresStorage } from "authkernel/storage/postgres";
import { redisStorage } from "authkernel/storage/redis";
import { openBroadcast } from "./broadcasts.mjs";
import { nats, startNats } from "./services/nats.mjs";
import { pool, postgres, startPostgres } from "./services/postgres.mjs";
import { clients, redis, startRedis } from "./services/redis.mjs";

const policy = {
  issuer: "https://app.example",
  audience: ["app"],
  purposes: {
    user: { lifetime: "14d", store: true, presence: "required", opens_sockets: true },
  },
  live_socket_id_template: "users_sessions:{sid}",
  endpoints: ["web"],
};
const keys = { keys: [{ kty: "oct", kid: "k1", alg: "HS256", use: "sig", k: Buffer.alloc(32, 7).toString("base64url") }] };

async function overPostgres(server) {
  const connections = pool(server);
  const storage = postgresStorage({ pool: connections });
  await storage.migrate();
  await storage.check();
  return { storage, end: () => connections.end() };
}

async function overRedis(server) {
  const client = await clients.redis(server);
  const storage = redisStorage({ client });
  await storage.check();
  return { storage, end: () => client.end() };
}

const pairs = {
  "PostgreSQL alone": { skip: !postgres, store: startPostgres, open: overPostgres, kind: "postgres" },
  "Redis alone": { skip: !redis, store: startRedis, open: overRedis, kind: "redis" },
  "PostgreSQL with NATS": { skip: !postgres || !nats, store: startPostgres, open: overPostgres, kind: "nats 3", broker: startNats },
};

for (const [name, { skip, store, open, kind, broker }] of Object.entries(pairs)) {
  describe(name, { skip }, () => {
    const services = [];
    let servers;
    before(async () => {
      servers = [await store(), ...(broker ? [await broker()] : [])];
      for (const _ of [1, 2]) {
        const { storage, end } = await open(servers[0]);
        const { broadcast, close } = await openBroadcast(kind, servers.at(-1));
        const heard = [];
        await broadcast.subscribe((message) => heard.push(message));
        const auth = await createAuthenticator({ policy, keys, storage, broadcast });
        services.push({ auth, storage, heard, end: async () => (auth.close(), await storage.close(), await close(), await end()) });
      }
    });
    after(async () => {
      for (const { end } of services) await end();
      for (const server of servers ?? []) await server.remove();
    });

    test("what one service revokes, the other refuses at once, and its connections are told", async () => {
      const [one, other] = services;
      const issued = await one.auth.issue({ subject: "user?id=42", purpose: "user", claims: { role: "admin" } });
      const who = await other.auth.authenticate(issued.token, { purposes: ["user"] });
      assert.deepEqual([who.subject, who.claims], ["user?id=42", { role: "admin" }]);
      assert.equal((await other.auth.sessions({ subject: "user?id=42" })).sessions.length, 1);
      const report = await one.auth.signOutEverywhere("user?id=42");
      assert.deepEqual([report.revoked, report.disconnected, report.undelivered], [1, 1, []]);
      await assert.rejects(other.auth.authenticate(issued.token, { purposes: ["user"] }), { code: "token_revoked" });
      const giveUp = Date.now() + 10_000;
      while (!other.heard.some(({ topic }) => topic === issued.socketId)) {
        assert.ok(Date.now() < giveUp, JSON.stringify(other.heard));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.deepEqual(await other.auth.redeliver(), { delivered: 0, undelivered: 0, more: false });
    });

    // Elsewhere the store is the broker, and away with it.
    const ownBroker = broker ? test : () => undefined;
    ownBroker("a sign-out while the broker is away is delivered afterwards", async () => {
      const [one, other] = services;
      const issued = await one.auth.issue({ subject: "user?id=7", purpose: "user" });
      await servers.at(-1).stop();
      const report = await one.auth.signOutEverywhere("user?id=7");
      assert.equal(report.undelivered.length, 1);
      await assert.rejects(other.auth.authenticate(issued.token, { purposes: ["user"] }), { code: "token_revoked" });
      await servers.at(-1).start();
      const giveUp = Date.now() + 60_000;
      while (!other.heard.some(({ topic }) => topic === issued.socketId)) {
        assert.ok(Date.now() < giveUp, "it was never told");
        await one.auth.redeliver();
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    });

    test("a store that is away refuses, and never says revoked", async () => {
      const [one] = services;
      const { token } = await one.auth.issue({ subject: "user?id=9", purpose: "user" });
      await servers[0].stop();
      await assert.rejects(one.auth.authenticate(token, { purposes: ["user"] }), { code: "storage_unavailable" });
      await servers[0].start();
      const giveUp = Date.now() + 30_000;
      for (;;) {
        try {
          const { subject } = await one.auth.authenticate(token, { purposes: ["user"] });
          assert.equal(subject, "user?id=9");
          return;
        } catch (error) {
          assert.ok(error.code === "storage_unavailable" && Date.now() < giveUp, error.message);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    });
  });
}
