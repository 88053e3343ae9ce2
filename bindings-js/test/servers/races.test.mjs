// Two processes at once: nothing that was decided before a revocation may be left alive after it.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { postgresStorage } from "authkernel/storage/postgres";
import { redisStorage } from "authkernel/storage/redis";
import { everything, stored } from "./fixtures.mjs";
import { pool, postgres, startPostgres } from "./services/postgres.mjs";
import { clients, redis, startRedis } from "./services/redis.mjs";

const ROUNDS = 1_000;
const AT_ONCE = 20;

const kinds = {
  postgres: {
    skip: !postgres,
    // What a crash costs is no question here.
    start: () => startPostgres(["-c", "fsync=off"]),
    async empty(server) {
      const connections = pool(server);
      await connections.query("DROP SCHEMA IF EXISTS authkernel CASCADE");
      const storage = postgresStorage({ pool: connections });
      await storage.migrate();
      return [storage, () => connections.end()];
    },
  },
  ioredis: { skip: !redis, start: () => startRedis(["--appendfsync", "no"]), empty: (server) => emptyRedis(server, "ioredis") },
  redis: { skip: !redis, start: () => startRedis(["--appendfsync", "no"]), empty: (server) => emptyRedis(server, "redis") },
};

async function emptyRedis(server, library) {
  const client = await clients[library](server);
  await client.flushall?.();
  await client.flushAll?.();
  return [redisStorage({ client }), () => client.end()];
}

for (const [kind, { skip, start, empty }] of Object.entries(kinds)) {
  describe(kind, { skip }, () => {
    let server;
    let racers;
    before(async () => {
      server = await start();
      const argument = JSON.stringify({ kind, server: { port: server.port, options: server.options } });
      // The schema must be there before statements are prepared.
      const [, end] = await empty(server);
      await end();
      racers = [0, 1].map(() => fork(new URL("racer.mjs", import.meta.url), [argument]));
      await Promise.all(racers.map((racer) => once(racer, "message")));
    });
    after(async () => {
      for (const racer of racers ?? []) racer.kill();
      await server?.remove();
    });

    /** Both processes run their acts in the same rounds at the same time; answers how often each pair of outcomes was seen. */
    async function race(...acts) {
      const seen = {};
      for (let first = 0; first < ROUNDS; first += AT_ONCE) {
        const rounds = [...Array(AT_ONCE).keys()].map((offset) => first + offset);
        const answers = await Promise.all(
          racers.map(async (racer, who) => {
            // One begins at one end, the other at the other in every second batch.
            const order = who === 1 && (first / AT_ONCE) % 2 === 1 ? [...rounds].reverse() : rounds;
            racer.send({ act: acts[who], rounds: order, who });
            const [outcomes] = await once(racer, "message");
            return order === rounds ? outcomes : outcomes.reverse();
          }),
        );
        for (const index of rounds.keys()) {
          const pair = answers.map((outcomes) => outcomes[index]).join(" | ");
          seen[pair] = (seen[pair] ?? 0) + 1;
        }
      }
      return seen;
    }

    async function opened() {
      for (let first = 0; first < ROUNDS; first += AT_ONCE) {
        racers[0].send({ act: "open", rounds: [...Array(AT_ONCE).keys()].map((offset) => first + offset) });
        const [outcomes] = await once(racers[0], "message");
        assert.ok(outcomes.every((outcome) => outcome === "0"), outcomes.join());
      }
    }

    /** Nothing of the subjects is alive: no record that was named, and nothing else that a sign-out would find. */
    async function assertDead(storage, ...names) {
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const name of names) {
          const record = await stored(storage, `${name} ${round}`);
          assert.notEqual(record?.status, "live", `round ${round}: ${name} is alive`);
        }
        const left = await storage.revokeMatching(everything(`subject ${round}`, { dryRun: true }));
        assert.deepEqual([left.records, left.sessions], [0, 0], `round ${round}`);
      }
    }

    /** Every outcome is one of these, and each of them was seen: the processes did meet. */
    function assertOutcomes(seen, expected) {
      console.log(kind, JSON.stringify(seen));
      assert.deepEqual(Object.keys(seen).sort(), [...expected].sort());
    }

    const cases = {
      "a sign-in against a password change": async (storage) => {
        const seen = await race("signIn", "signOut");
        assertOutcomes(seen, ["epoch 0 | 1 revoked", "guard_failed epoch | 0 revoked"]);
        await assertDead(storage, "user");
      },
      "a refresh against a sign-out": async (storage) => {
        await opened();
        assertOutcomes(await race("rotate", "signOut"), ["won | 2 revoked", "lost | 1 revoked"]);
        await assertDead(storage, "refresh", "successor", "user");
      },
      "a refresh against the end of its session": async (storage) => {
        await opened();
        assertOutcomes(await race("rotate", "endSession"), ["won | revoked", "lost | revoked"]);
        await assertDead(storage, "refresh", "successor", "user");
      },
      "joining a session against a sign-out": async (storage) => {
        await opened();
        assertOutcomes(await race("join", "signOut"), ["epoch 0 | 2 revoked", "guard_failed session | 1 revoked"]);
        await assertDead(storage, "refresh", "user");
      },
      "joining a session against its end": async (storage) => {
        await opened();
        assertOutcomes(await race("join", "endSession"), ["epoch 0 | revoked", "guard_failed session | revoked"]);
        await assertDead(storage, "refresh", "user");
      },
      "storing a token against the tombstone of it": async (storage) => {
        const seen = await race("signIn", "revokeToken");
        assertOutcomes(seen, ["epoch 0 | revoked", "conflict | tombstoned"]);
        for (let round = 0; round < ROUNDS; round += 1) {
          const { status } = await stored(storage, `user ${round}`);
          assert.ok(status.revoked, `round ${round}: ${JSON.stringify(status)}`);
        }
      },
      "two refreshes": async (storage) => {
        await opened();
        assertOutcomes(await race("contend", "contend"), ["won | lost", "lost | won"]);
        for (let round = 0; round < ROUNDS; round += 1) {
          const { successors } = await stored(storage, `refresh ${round}`);
          const there = await Promise.all([0, 1].map((who) => stored(storage, `successor ${who} ${round}`)));
          assert.deepEqual(there.filter(Boolean).map(({ jti }) => jti), successors, `round ${round}`);
        }
      },
      "two sign-outs": async (storage) => {
        await opened();
        assertOutcomes(await race("signOut", "signOut"), ["1 revoked | 0 revoked", "0 revoked | 1 revoked"]);
        const { epoch } = await storage.find({ subject: "subject 0" });
        assert.equal(epoch, 2);
        await assertDead(storage, "refresh");
      },
    };
    for (const [name, run] of Object.entries(cases)) {
      test(name, async () => {
        const [storage, end] = await empty(server);
        try {
          await run(storage);
        } finally {
          await end();
        }
      });
    }
  });
}
