// What is special to the storage in memory: nobody can reach into it, and it stays as large as what lives.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { memoryStorage } from "authkernel/storage/memory";
import { everything, HOUR, NOW, opening, plain, record, revocation } from "./lib/fixtures.mjs";

test("what was given can be changed afterwards without effect", () => {
  const storage = memoryStorage();
  const given = opening(record("anna", "s1", "j1"));
  const cutOff = { subject: { subject: "anna", below: 1, spared: ["s1"], forgetAt: NOW } };
  storage.insert(given);
  storage.raiseCutOff(cutOff);
  const before = plain(storage.find({ jti: "j1", sid: "s1", subject: "anna" }));
  given.record.status = { revoked: { at: 1, reason: "no" } };
  given.record.successors.push("j2");
  given.session.status = { ended: { at: 1, reason: "no" } };
  cutOff.subject.spared.push("s2");
  assert.deepEqual(plain(storage.find({ jti: "j1", sid: "s1", subject: "anna" })), before);
});

test("what was answered is what is stored, and is frozen", () => {
  const storage = memoryStorage();
  storage.insert(opening(record("anna", "s1", "j1")));
  storage.revoke(revocation({ session: "s1" }));
  storage.raiseCutOff({ subject: { subject: "anna", below: 1, spared: ["s1"], forgetAt: NOW } });
  const found = storage.find({ jti: "j1", sid: "s1", subject: "anna" });
  const { record: stored, session, cutOffs } = found;
  assert.equal(storage.find({ jti: "j1" }).record, stored);
  for (const part of [
    stored,
    stored.status,
    stored.status.revoked,
    stored.notify,
    stored.successors,
    session,
    session.status,
    session.status.ended,
    cutOffs[0],
    cutOffs[0].subject,
    cutOffs[0].subject.spared,
    storage.find({}).cutOffs,
  ]) {
    assert.ok(Object.isFrozen(part), JSON.stringify(part));
  }
});

test("an answer that was given out does not change when what is stored does", () => {
  const storage = memoryStorage();
  storage.insert(opening(record("anna", "s1", "j1")));
  const before = storage.find({ jti: "j1", sid: "s1" });
  storage.revoke(revocation({ session: "s1" }));
  assert.equal(before.record.status, "live");
  assert.equal(before.session.status, "live");
  assert.equal(typeof storage.find({ jti: "j1" }).record.status, "object");
});

test("a session and a subject that come back are found by an old record", () => {
  const storage = memoryStorage();
  const find = () => storage.find({ jti: "j1", sid: "s1", subject: "anna" });
  const given = opening(record("anna", "s1", "j1"));
  storage.insert({ ...given, session: { ...given.session, endsAt: 5 } });
  storage.revoke(revocation({ token: "j1" }, { notifyPurposes: [] }));
  assert.equal(find().session.endsAt, 5);
  // The session goes, and with it the last that was known of the subject; the record stays.
  assert.deepEqual(plain(storage.deleteExpired({ before: 6, limit: 10 })), { records: 0, sessions: 1, cutOffs: 0, more: false });
  assert.equal(find().session, undefined);
  storage.insert(opening(record("anna", "s1", "j2")));
  assert.equal(find().session.endsAt, NOW + HOUR);
  storage.revokeMatching(everything("anna"));
  assert.equal(find().epoch, 1);
  assert.equal(typeof find().session.status, "object");
});

test("sessions of one moment are in the order of their bytes, not of their utf-16 units", () => {
  const storage = memoryStorage();
  const sids = ["\u{1f980}", "\uffee", "b", "a\0", "a", "B"];
  for (const sid of sids) storage.insert(opening(record("anna", sid, `j${sid}`)));
  const expected = [...sids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const listed = [];
  for (let after; ; ) {
    const page = storage.list({ subject: "anna", at: NOW, withRecord: true, after, limit: 2 });
    listed.push(...page.sessions.map(({ sid }) => sid));
    if (!page.more) break;
    after = { createdAt: NOW, sid: listed.at(-1) };
  }
  assert.deepEqual(listed, expected);
});

test("memory is flat under churn once what is over is deleted", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const storage = memoryStorage();
  const heap = () => (collect(), collect(), process.memoryUsage().heapUsed);
  const churn = (from, to) => {
    for (let n = from; n < to; n++) {
      const [at, tenant] = [NOW + n, n % 3 === 0 ? `t${n % 1_000}` : undefined];
      const made = record(`u${n}`, `s${n}`, `j${n}`, { tenant, issuedAt: at, createdAt: at, expiresAt: at + 100 });
      storage.insert(opening(made));
      storage.find({ tenant, jti: `j${n}`, sid: `s${n}`, subject: `u${n}` });
      if (n % 2 === 0) storage.revoke(revocation({ session: `s${n}` }, { tenant, at, due: at }));
      if (n % 4 === 0) storage.delivered([{ tenant, jti: `j${n}` }]);
      if (n % 5 === 0) storage.raiseCutOff({ key: { kid: `k${n}`, at, forgetAt: at + 100 } });
      if (n % 10 === 0) storage.raiseCutOff({ tenant: { tenant: `only${n}`, at, forgetAt: at + 100 } });
      if (n % 500 === 0) while (storage.deleteExpired({ before: at, limit: 1_000 }).more);
    }
  };
  churn(0, 20_000);
  const before = heap();
  churn(20_000, 220_000);
  const grown = heap() - before;
  assert.ok(grown < 1_000_000, `${grown} bytes more after 200,000 sign-ins`);
  while (storage.deleteExpired({ before: NOW * 2, limit: 1_000 }).more);
  assert.deepEqual(storage.undelivered({ at: NOW * 2, leaseUntil: NOW * 2, limit: 10 }), []);
});
