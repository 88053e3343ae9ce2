// What runs by itself: deadlines, muting, prolonging, chores.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthError } from "authkernel";
import { POLICY, USER, connection, operations, service, settled, sleep, until } from "./service.mjs";

const code = (wanted) => (error) => error instanceof AuthError && error.code === wanted;
const REVOKED = [[4001, "revoked"]];

async function attached(sockets, token, options = USER) {
  const live = await sockets.open(token, options);
  const peer = connection();
  live.attach({ ...peer, close: (...given) => (peer.close(...given), live.release()) });
  return { live, noted: peer.noted };
}

test("a connection closes at its deadline, and acts on nothing from then on", async () => {
  const { sockets, issue } = await service();
  const issued = await issue("alice", { lifetime: 2 });
  const { live, noted } = await attached(sockets, issued.token);
  const left = issued.deadline * 1000 - Date.now();
  assert.equal(live.mayAct(), true);
  await sleep(Math.max(0, left - 150));
  assert.equal(live.mayAct(), true);
  assert.deepEqual(noted.closes, []);
  await until("it is closed", () => noted.closes.length === 1, 1_000);
  const late = Date.now() - issued.deadline * 1000;
  assert.ok(late >= -5 && late < 400, `${late} ms late`);
  assert.deepEqual(noted.closes, [[4001, "expired"]]);
  assert.equal(live.mayAct(), false);
  assert.equal(sockets.counts().expired, 1);
  await sockets.close();
});

test("a wall clock that is set moves no deadline", async () => {
  let offset = 0;
  const { sockets, issue } = await service({}, { now: () => Math.floor(Date.now() / 1000) + offset });
  const [short, long] = [await issue("alice", { lifetime: 1 }), await issue("bob", { lifetime: 600 })];
  const [first, second] = [await attached(sockets, short.token), await attached(sockets, long.token)];
  offset = -10_000;
  await until("it is closed in spite of that", () => first.noted.closes.length === 1, 1_500);
  assert.deepEqual(first.noted.closes, [[4001, "expired"]]);
  offset = 10_000;
  await sleep(50);
  assert.equal(second.live.mayAct(), true);
  assert.deepEqual(second.noted.closes, []);
  await sockets.close();
});

test("what was received before a busy process came to the deadline is not acted on after it", async () => {
  const { sockets, issue } = await service();
  const issued = await issue("alice", { lifetime: 1 });
  const { live, noted } = await attached(sockets, issued.token);
  assert.equal(live.mayAct(), true);
  // No timer can ring in here.
  while (Date.now() < issued.deadline * 1000 + 20);
  assert.deepEqual([live.mayAct(), noted.closes], [false, []]);
  await until("it is closed", () => noted.closes.length === 1);
  await sockets.close();
});

test("a deadline beyond what a timer can wait for does not close at once", async () => {
  const { sockets, issue } = await service();
  // 2^31 ms are 24.8 days; longer ones must not overflow to "now".
  const { token } = await issue("alice", { lifetime: 14 * 86_400 });
  const { Alarm } = await import(new URL("../../dist/esm/sockets/core/timers.js", import.meta.url));
  let rang = 0;
  const alarm = new Alarm(() => rang++);
  alarm.set(performance.now() + 2 ** 31 + 10_000);
  const { noted } = await attached(sockets, token);
  await sleep(100);
  assert.equal(rang, 0);
  assert.deepEqual(noted.closes, []);
  alarm.set(performance.now() + 20);
  await until("it rings", () => rang === 1);
  await sockets.close();
});

test("the session that signs out everywhere stays open, unable to act, until its disconnect or its time", async () => {
  const { auth, sockets, issue, events, broadcast } = await service({ muteFor: 150 });
  const [mine, same, other] = [await issue("alice"), await issue("alice"), await issue("bob")];
  const open = (issued) => attached(sockets, issued.token);
  const [acting, another, bobs] = [await open(mine), await open(same), await open(other)];
  const given = { actingSid: mine.sid, disconnectSelf: false };
  await auth.signOutEverywhere("alice", given);
  await settled();
  assert.deepEqual(another.noted.closes, REVOKED);
  sockets.verifyAll();
  await until("it is muted", () => !acting.live.mayAct());
  assert.deepEqual(acting.noted.closes, []);
  assert.ok(events.some(({ kind, socket }) => kind === "muted" && socket === acting.live));
  await assert.rejects(acting.live.prolong(mine.token), AuthError);
  await until("its time is over", () => acting.noted.closes.length === 1, 1_000);
  assert.deepEqual(acting.noted.closes, REVOKED);
  const { closing } = events.find(({ kind, socket }) => kind === "closing" && socket === acting.live);
  assert.equal(closing.reason, "muted_timeout");

  await auth.signOutEverywhere("bob", { actingSid: other.sid, disconnectSelf: false });
  sockets.verifyAll();
  await until("it is muted", () => !bobs.live.mayAct());
  broadcast.publish([{ kind: "disconnect", endpoint: "web", topic: other.socketId, event: "disconnect", payload: {} }]);
  await settled();
  assert.deepEqual(bobs.noted.closes, REVOKED);
  assert.equal(bobs.live.closing.reason, "revoked");
  await sockets.close();
});

test("a key that is cut off closes at once what it has signed, by a recheck", async () => {
  const { auth, sockets, issue, broadcast } = await service();
  const first = await attached(sockets, (await issue("alice")).token);
  await auth.signOutEverywhere({ key: { kid: "k1" } });
  await until("it is closed", () => first.noted.closes.length === 1, 1_000);
  assert.deepEqual(first.noted.closes, REVOKED);
  assert.deepEqual(
    broadcast.published.map(({ kind }) => kind),
    ["recheck"],
  );
  await sockets.close();
});

test("a later token of the session moves the deadline; any other is refused and changes nothing", async () => {
  const { auth, sockets, issue } = await service();
  const first = await issue("alice", { lifetime: 2 });
  const { live, noted } = await attached(sockets, first.token);
  await assert.rejects(live.prolong((await issue("bob")).token), code("socket_mismatch"));
  await assert.rejects(live.prolong((await issue("alice")).token), code("socket_mismatch"));
  assert.equal(live.identity.jti, first.jti);
  const later = await issue("alice", { sid: first.sid, lifetime: 600 });
  assert.equal((await live.prolong(later.token)).jti, later.jti);
  assert.equal(live.identity.deadline, later.deadline);
  await sleep(Math.max(0, first.deadline * 1000 - Date.now()) + 100);
  assert.equal(live.mayAct(), true);
  assert.deepEqual(noted.closes, []);
  await auth.revoke(first.token);
  await settled();
  assert.deepEqual(noted.closes, REVOKED);
  await assert.rejects(live.prolong(later.token), AuthError);
  await sockets.close();
});

test("a connection on a topic per token follows the token that it is prolonged with", async () => {
  const policy = { ...POLICY, live_socket_id_template: "users_sessions:{jti}" };
  const { auth, sockets, issue } = await service({}, { policy });
  const first = await issue("alice");
  const { live, noted } = await attached(sockets, first.token);
  const later = await issue("alice", { sid: first.sid });
  assert.notEqual(later.socketId, first.socketId);
  await live.prolong(later.token);
  await auth.revoke(first.token, { scope: "token" });
  await settled();
  assert.deepEqual(noted.closes, [], "the token before does not count any more");
  await auth.revoke(later.token, { scope: "token" });
  await settled();
  assert.deepEqual(noted.closes, REVOKED);
  await sockets.close();
});

test("a later token that is revoked while it is decided about is not stood on", async () => {
  let between;
  const policy = { ...POLICY, live_socket_id_template: "users_sessions:{jti}" };
  const wrap = (auth) => ({
    ...operations(auth),
    // The answer was on its way when the revocation was committed, and its disconnect was heard.
    async admit(...given) {
      const answer = await auth.admit(...given);
      await between?.();
      return answer;
    },
  });
  const { auth, sockets, issue } = await service({}, { policy, wrap });
  const first = await issue("alice");
  const { live, noted } = await attached(sockets, first.token);
  const later = await issue("alice", { sid: first.sid });
  between = async () => {
    await auth.revoke(later.token, { scope: "token" });
    await settled();
  };
  await assert.rejects(live.prolong(later.token), code("token_revoked"));
  assert.deepEqual([live.identity.jti, live.mayAct(), noted.closes], [first.jti, true, []]);
  await auth.revoke(first.token, { scope: "token" });
  await settled();
  assert.deepEqual(noted.closes, REVOKED);
  await sockets.close();
});

test("redelivery runs at start and again, expunging on its timer, and neither where it is switched off", async () => {
  const run = async (options) => {
    const calls = { redeliver: 0, expunge: [] };
    const { sockets } = await service(options, {
      wrap: (auth) => ({
        ...operations(auth),
        redeliver: async () => ({ delivered: 1, undelivered: 0, more: ++calls.redeliver === 1 }),
        expunge: async (limit) => (calls.expunge.push(limit), { records: 0, sessions: 0, cutOffs: 0, more: false }),
      }),
    });
    await sleep(25);
    const early = { ...calls, expunge: [...calls.expunge] };
    await sleep(200);
    await sockets.close();
    const end = calls.redeliver;
    await sleep(120);
    assert.equal(calls.redeliver, end, "not any more after the end");
    return { early, calls };
  };
  const on = await run({ redeliverEvery: 60, expungeEvery: 90, expungeBatch: 7 });
  assert.equal(on.early.redeliver, 2, "at start, and at once again while there is more");
  assert.equal(on.early.expunge.length, 0);
  assert.ok(on.calls.redeliver >= 4 && on.calls.expunge.length >= 1, JSON.stringify(on.calls));
  assert.equal(on.calls.expunge[0], 7);
  const off = await run({ redeliverEvery: false, expungeEvery: false });
  assert.deepEqual([off.calls.redeliver, off.calls.expunge.length], [0, 0]);
});

test("what the broker did not take is sent again by the registry", async () => {
  const { auth, sockets, issue, broadcast } = await service({ redeliverEvery: 50, sweepEvery: 60_000 });
  const { token } = await issue();
  const { noted } = await attached(sockets, token);
  const publish = broadcast.publish;
  broadcast.publish = () => {
    throw new Error("away");
  };
  const report = await auth.revoke(token);
  assert.deepEqual([report.disconnected, report.undelivered.length], [0, 1]);
  assert.deepEqual(noted.closes, []);
  broadcast.publish = publish;
  await until("it is sent again", () => noted.closes.length === 1, 3_000);
  await sockets.close();
});
