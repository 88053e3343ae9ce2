// What finds connections that no disconnect has reached: rounds, rechecks, a broker or a storage that is away.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthError } from "authkernel";
import { POLICY, USER, connection, operations, service, settled, sleep, until } from "./service.mjs";

const REVOKED = [[4001, "revoked"]];

async function attached(sockets, token, options = USER) {
  const live = await sockets.open(token, options);
  const peer = connection();
  live.attach({ ...peer, close: (...given) => (peer.close(...given), live.release()) });
  return { live, noted: peer.noted };
}

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
  broadcast.publish([
    { kind: "recheck", subject: "alice", purpose: "refresh" },
    { kind: "recheck", tenant: "t" },
  ]);
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
  assert.deepEqual(
    problems.map(({ kind }) => kind),
    ["broker_lost", "broker_restored"],
  );
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
          calls++ === 0
            ? new Promise((resolve) => (answer = () => resolve({ verdicts: given.map(() => ({ close: "token_revoked" })) })))
            : auth.sweep(given),
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

test("what a sweep decided about a token does not end a connection that stands on a later one", async () => {
  let release;
  let calls = 0;
  const policy = { ...POLICY, live_socket_id_template: "users_sessions:{jti}" };
  const wrap = (auth) => ({
    ...operations(auth),
    async sweep(given) {
      calls++;
      const report = await auth.sweep(given);
      if (calls === 1) await new Promise((resolve) => (release = resolve));
      return report;
    },
  });
  const { auth, sockets, issue, broadcast } = await service({}, { policy, wrap });
  const first = await issue("alice");
  const later = await issue("alice", { sid: first.sid });
  const { live, noted } = await attached(sockets, first.token);
  broadcast.deaf = true;
  await auth.revoke(first.token, { scope: "token" });
  sockets.verifyAll();
  await until("it is asked", () => release !== undefined);
  await live.prolong(later.token);
  release();
  await until("it is asked again", () => sockets.counts().verified === 2);
  assert.deepEqual([noted.closes, live.mayAct(), calls], [[], true, 2]);
  await sockets.close();
});
