// Thousands of connects and revocations at once: after all has settled, no connection of a revoked session is open.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthError } from "authkernel";
import { USER, operations, service, settled, sleep } from "./service.mjs";

const ROUNDS = 3_000;

/** Reproducible chance. */
function chance(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

for (const [name, deaf] of [
  ["told by the broker", false],
  ["found by sweeps, every third message lost", true],
]) {
  test(`connects against revocations: ${name}`, async () => {
    const random = chance(7);
    const pause = () =>
      random() < 0.5 ? undefined : new Promise((resolve) => (random() < 0.5 ? setImmediate(resolve) : setTimeout(resolve, random() * 4)));
    // Storage that answers when it likes: every order of look-up, subscription, revocation and acceptance comes about.
    const wrap = (auth) => {
      const slow =
        (name) =>
        async (...given) => {
          await pause();
          const answer = await auth[name](...given);
          await pause();
          return answer;
        };
      return { ...operations(auth), authenticate: slow("authenticate"), admit: slow("admit"), sweep: slow("sweep") };
    };
    const { auth, sockets, issue, broadcast } = await service(deaf ? { sweepEvery: 150 } : {}, { wrap });
    if (deaf) {
      const publish = broadcast.publish.bind(broadcast);
      broadcast.publish = (messages) => {
        const lost = random() < 0.33;
        broadcast.deaf = lost;
        publish(messages);
        broadcast.deaf = false;
      };
    }
    const open = new Map();
    const acted = [];
    const revoked = new Set();
    let refused = 0;
    let opened = 0;

    async function connect({ token, sid }) {
      await pause();
      try {
        const live = await sockets.open(token, USER);
        opened++;
        await pause();
        open.set(live, sid);
        live.attach({
          close() {
            open.delete(live);
            setTimeout(() => live.release(), random() * 3);
          },
        });
        // A peer that goes on sending.
        for (let n = 0; n < 3; n++) {
          await pause();
          if (!deaf && revoked.has(sid) && live.mayAct()) acted.push(sid);
        }
        if (random() < 0.2) {
          open.delete(live);
          live.release();
        }
      } catch (error) {
        assert.ok(error instanceof AuthError, String(error));
        assert.equal(error.kind, "denied");
        refused++;
      }
    }

    async function one(n) {
      const subject = `s${n % 500}`;
      const session = await issue(subject);
      const connects = [connect(session), connect(session)];
      await pause();
      if (random() < 0.6) {
        const all = random() < 0.1;
        if (all) await auth.signOutEverywhere(subject);
        else {
          await auth.revoke(session.token);
          await settled();
          revoked.add(session.sid);
        }
        connects.push(connect(session));
      }
      await Promise.all(connects);
    }

    const work = [];
    for (let n = 0; n < ROUNDS; n++) {
      work.push(one(n));
      if (n % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(work);
    await sleep(deaf ? 600 : 100);

    assert.ok(revoked.size > 1_000 && refused > 500 && opened > 2_000, JSON.stringify({ revoked: revoked.size, refused, opened }));
    const left = [...open.values()].filter((sid) => revoked.has(sid));
    assert.deepEqual(left, [], "connections of revoked sessions that are open");
    assert.deepEqual(acted, []);
    // And all that is left may be: the kernel says so, one by one.
    for (const live of sockets.list()) {
      assert.ok(open.has(live) || live.closing, "registered, but nobody has it");
    }
    const report = await auth.sweep(sockets.list().map(({ identity }) => ({ ...identity, verifiedAt: identity.issuedAt })));
    assert.ok(
      report.verdicts.every((verdict) => verdict === "keep"),
      JSON.stringify(report.verdicts.filter((verdict) => verdict !== "keep")),
    );
    for (const live of sockets.list()) live.release();
    assert.equal(sockets.counts().registered, 0);
    await sockets.close();
  });
}
