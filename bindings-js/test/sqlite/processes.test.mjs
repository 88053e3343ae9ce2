// Several processes on one file: nothing that was decided before a revocation is written after it.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sqliteStorage } from "authkernel/storage/sqlite";
import { everything, folder, joining, NOW, opening, record, revocation } from "./lib/fixtures.mjs";
import { libraries } from "./lib/libraries.mjs";

const RIVAL = fileURLToPath(new URL("./lib/rival.mjs", import.meta.url));
const ROUNDS = 60;

/** Processes over one file. Each run starts all at one moment and answers what each was answered. */
async function rivals(t, file, name, count) {
  const children = Array.from({ length: count }, () => fork(RIVAL, [file, name]));
  t.after(() => children.forEach((child) => child.connected && child.disconnect()));
  await Promise.all(children.map((child) => once(child, "message")));
  return async (...batches) => {
    const at = Date.now() + 15;
    const answers = batches.map((calls, index) => {
      const answered = once(children[index], "message");
      children[index].send({ at, calls });
      return answered.then(([answer]) => answer);
    });
    return Promise.all(answers);
  };
}

for (const { name, open } of libraries) {
  const start = async (t, count) => {
    const file = join(folder(t), "authkernel.db");
    const database = open(file);
    t.after(() => database.close());
    const storage = sqliteStorage({ database, busyTimeout: 20_000 });
    return { storage, race: await rivals(t, file, name, count) };
  };
  const live = (storage, jti) => storage.find({ jti }).record?.status === "live";

  test(`${name}: processes that start at once on a new file all come up`, async (t) => {
    const file = join(folder(t), "authkernel.db");
    const race = await rivals(t, file, name, 4);
    const answers = await race(...[1, 2, 3, 4].map((n) => [{ method: "insert", input: opening(record("anna", `s${n}`, `j${n}`)) }]));
    assert.deepEqual(answers, [[{ answer: 0 }], [{ answer: 0 }], [{ answer: 0 }], [{ answer: 0 }]]);
  });

  test(`${name}: nothing is inserted into a session that another process revokes`, async (t) => {
    const { storage, race } = await start(t, 2);
    const met = { before: 0, after: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const sid = `s${round}`;
      storage.insert(opening(record("anna", sid, `${sid}-0`)));
      const joins = [1, 2, 3].map((n) => ({ method: "insert", input: joining(record("anna", sid, `${sid}-${n}`)) }));
      const [[revoked], inserted] = await race([{ method: "revoke", input: revocation({ session: sid }) }], joins);
      assert.equal(revoked.answer?.outcome, "revoked", revoked.message);
      const stored = inserted.filter(({ answer }) => answer !== undefined).length;
      assert.equal(revoked.answer.records, stored + 1);
      assert.ok(inserted.slice(stored).every(({ guard }) => guard === "session"), JSON.stringify(inserted));
      for (let n = 0; n <= 3; n++) assert.equal(live(storage, `${sid}-${n}`), false, `${sid}-${n} outlived its session`);
      met[stored === 0 ? "after" : "before"]++;
    }
    assert.ok(met.before > 0 && met.after > 0, `both orders have to be met: ${JSON.stringify(met)}`);
  });

  test(`${name}: a sign-in that was begun before a password change is refused or revoked by it`, async (t) => {
    const { storage, race } = await start(t, 2);
    for (let round = 0; round < ROUNDS; round++) {
      const subject = `anna${round}`;
      const signIn = { method: "insert", input: opening(record(subject, `s${round}`, `j${round}`), { guard: 0 }) };
      const [[inserted], [changed]] = await race([signIn], [{ method: "revokeMatching", input: everything(subject) }]);
      assert.equal(changed.answer?.epoch, 1, changed.message);
      assert.equal(live(storage, `j${round}`), false, "a sign-in with the old password survived");
      if (inserted.answer === undefined) assert.equal(inserted.guard, "epoch");
      else assert.equal(changed.answer.records, 1);
    }
  });

  test(`${name}: one record is consumed once, and nothing of the losers is stored`, async (t) => {
    const { storage, race } = await start(t, 3);
    for (let round = 0; round < ROUNDS; round++) {
      const sid = `s${round}`;
      storage.insert(opening(record("anna", sid, sid)));
      const consume = (n) => {
        const successor = joining(record("anna", sid, `${sid}-${n}`));
        return [{ method: "consume", input: { jti: sid, sid, subject: "anna", at: NOW, successors: [successor] } }];
      };
      const answers = (await race(consume(0), consume(1), consume(2))).flat();
      const winners = answers.flatMap(({ answer }, n) => (answer?.won === undefined ? [] : [n]));
      assert.equal(winners.length, 1, JSON.stringify(answers));
      for (const n of [0, 1, 2]) assert.equal(live(storage, `${sid}-${n}`), n === winners[0]);
      const lost = answers.filter(({ answer }) => answer?.lost);
      assert.equal(lost.length, 2);
      assert.ok(lost.every(({ answer }) => answer.lost.newest[0].jti === `${sid}-${winners[0]}`));
    }
  });

  test(`${name}: a look-up in one process sees what another has just answered`, async (t) => {
    const { storage, race } = await start(t, 1);
    for (let round = 0; round < ROUNDS; round++) {
      const sid = `s${round}`;
      await race([{ method: "insert", input: opening(record("anna", sid, sid)) }]);
      assert.equal(live(storage, sid), true);
      await race([{ method: "revoke", input: revocation({ token: sid }) }]);
      assert.equal(live(storage, sid), false);
    }
  });
}
