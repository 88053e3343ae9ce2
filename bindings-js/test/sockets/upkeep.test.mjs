// What runs by itself: deadlines, sweeps, muting, the broker that is away, prolonging, chores.

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

test("a sweep finds what no message told of", async () => {
  const { auth, sockets, issue, broadcast } = await service({ sweepEvery: 200 });
  const [mine, other] = [await issue("alice"), await issue("bob")];
  const [first, second] = [await attached(sockets, mine.token), await attached(sockets, other.token)];
  broadcast.deaf = true;
  await auth.revoke(mine.token);
  await settled();
  await until("the sweep has found it", () => first.noted.closes.length === 1, 2_000);
  assert.deepEqual(first.noted.closes, REVOKED);
  assert.deepEqual(second.noted.closes, []);
  assert.ok(sockets.counts().verified > 0);
  await sockets.close();
});

test("a recheck has the connections that it means verified at once, and decides nothing itself", async () => {
  const asked = [];
  const { auth, sockets, issue, broadcast } = await service(
    {},
    { wrap: (auth) => ({ ...operations(auth), sweep: (given) => (asked.push(given.map(({ subject }) => subject)), auth.sweep(given)) }) },
  );
  const [mine, other] = [await issue("alice"), await issue("bob")];
  const [first, second] = [await attached(sockets, mine.token), await attached(sockets, other.token)];
  asked.length = 0;
  broadcast.publish([{ kind: "recheck", subject: "alice" }]);
  await until("it was asked", () => asked.length === 1);
  assert.deepEqual(asked, [["alice"]]);
  await until("it was answered", () => sockets.counts().verified > 0);
  assert.deepEqual(first.noted.closes, []);
  broadcast.deaf = true;
  await auth.revoke(mine.token);
  await settled();
  broadcast.deaf = false;
  broadcast.publish([{ kind: "recheck", subject: "alice", purpose: "refresh" }, { kind: "recheck", tenant: "t" }]);
  await sleep(30);
  assert.deepEqual(first.noted.closes, []);
  broadcast.publish([{ kind: "recheck", kid: mine.kid }]);
  await until("it is closed", () => first.noted.closes.length === 1);
  assert.deepEqual(asked.at(-1), ["alice", "bob"]);
  assert.deepEqual(second.noted.closes, []);
  await sockets.close();
});

test("while the broker is away all are verified at once and again and again; not any more once it is back", async () => {
  let sweeps = 0;
  const { auth, sockets, issue, broadcast, problems } = await service(
    { sweepWhenBlind: 100 },
    { wrap: (auth) => ({ ...operations(auth), sweep: (given) => (sweeps++, auth.sweep(given)) }) },
  );
  const [mine, other] = [await issue("alice"), await issue("bob")];
  const [first, second] = [await attached(sockets, mine.token), await attached(sockets, other.token)];
  const before = sweeps;
  broadcast.lose();
  assert.equal(sockets.counts().connected, false);
  await until("they are verified at once", () => sweeps > before, 60);
  await auth.revoke(mine.token);
  await settled();
  await until("the next round has found it", () => first.noted.closes.length === 1, 1_000);
  await auth.revoke(other.token);
  await settled();
  const seen = sweeps;
  broadcast.restore();
  await until("once more when it is back", () => sweeps > seen && second.noted.closes.length === 1, 60);
  const after = sweeps;
  await sleep(350);
  assert.equal(sweeps, after);
  assert.equal(sockets.counts().connected, true);
  assert.deepEqual(problems.map(({ kind }) => kind), ["broker_lost", "broker_restored"]);
  await sockets.close();
});

test("a broker that cannot be subscribed to is asked again, and connections are verified meanwhile", async () => {
  let refuse = true;
  let inner;
  const flaky = {
    subscribe(listener, events) {
      if (refuse) throw new Error("not now");
      return inner.subscribe(listener, events);
    },
  };
  const { auth, broadcast, sockets, issue, problems } = await service({ broadcast: flaky, sweepWhenBlind: 60 });
  inner = broadcast;
  const [mine, other] = [await issue("alice"), await issue("bob")];
  const [first, second] = [await attached(sockets, mine.token), await attached(sockets, other.token)];
  assert.equal(sockets.counts().connected, false);
  await auth.revoke(mine.token);
  await settled();
  await until("a sweep has found it", () => first.noted.closes.length === 1, 1_000);
  refuse = false;
  await until("it is subscribed", () => sockets.counts().connected, 1_000);
  await auth.revoke(other.token);
  await settled();
  assert.deepEqual(second.noted.closes, REVOKED);
  assert.equal(problems[0].kind, "subscribe_failed");
  await sockets.close();
  assert.equal(broadcast.listeners, 0);
});

test("no connection opens before the subscription is made", async () => {
  let subscribed;
  const { sockets, issue } = await service({ broadcast: { subscribe: () => new Promise((resolve) => (subscribed = resolve)) } });
  const { token } = await issue();
  let opened = false;
  const open = sockets.open(token, USER).then((live) => ((opened = true), live));
  await sleep(50);
  assert.equal(opened, false);
  subscribed(() => undefined);
  (await open).release();
  await sockets.close();
});

test("storage that is away closes nothing, is reported, and is asked again", async () => {
  let away = true;
  const { auth, sockets, issue, broadcast, problems } = await service(
    { sweepWhenBlind: 80 },
    {
      wrap: (auth) => ({
        ...operations(auth),
        async sweep(given) {
          const error = new AuthError("storage_unavailable", "unavailable", "storage is not reachable now");
          return away ? { verdicts: given.map(() => "unverified"), error } : auth.sweep(given);
        },
      }),
    },
  );
  const { token } = await issue();
  const { noted } = await attached(sockets, token);
  broadcast.deaf = true;
  await auth.revoke(token);
  await settled();
  sockets.verifyAll();
  await until("it is reported", () => problems.length > 0);
  assert.equal(problems[0].kind, "sweep_failed");
  assert.equal(problems[0].error.code, "storage_unavailable");
  assert.deepEqual(noted.closes, []);
  away = false;
  await until("it is asked again", () => noted.closes.length === 1, 1_000);
  assert.deepEqual(noted.closes, REVOKED);
  await sockets.close();
});

test("a sweep that hangs holds up nothing for ever, and its late answer is nobody's", async () => {
  let answer;
  let calls = 0;
  const { sockets, issue, problems } = await service(
    { sweepTimeout: 50, sweepWhenBlind: 50 },
    {
      wrap: (auth) => ({
        ...operations(auth),
        sweep: (given) =>
          calls++ === 0 ? new Promise((resolve) => (answer = () => resolve({ verdicts: given.map(() => ({ close: "token_revoked" })) }))) : auth.sweep(given),
      }),
    },
  );
  const { token } = await issue();
  const { noted } = await attached(sockets, token);
  sockets.verifyAll();
  await until("it is given up", () => problems.length === 1);
  await until("it is asked again", () => calls >= 2 && sockets.counts().verified === 1);
  answer();
  await sleep(20);
  assert.deepEqual(noted.closes, []);
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
  assert.deepEqual(broadcast.published.map(({ kind }) => kind), ["recheck"]);
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
