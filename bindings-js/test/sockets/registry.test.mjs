// The registry by itself: when a connection opens, closes, is muted and cut.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthError } from "authkernel";
import { USER, connection, operations, service, settled, until } from "./service.mjs";

const code = (wanted) => (error) => error instanceof AuthError && error.code === wanted;
const REVOKED = [[4001, "revoked"]];

test("a disconnect closes the connections of its topic and endpoint, and no other", async () => {
  const { auth, sockets, issue, events, broadcast } = await service();
  const [mine, other] = [await issue("alice"), await issue("bob")];
  const open = async (token, more = {}) => {
    const live = await sockets.open(token, { ...USER, ...more });
    const peer = connection();
    live.attach(peer);
    return { live, noted: peer.noted };
  };
  const [first, second, elsewhere, bobs] = [
    await open(mine.token),
    await open(mine.token),
    await open(mine.token, { endpoint: "mobile" }),
    await open(other.token),
  ];
  assert.equal(sockets.counts().registered, 4);
  assert.equal(first.live.identity.sid, mine.sid);
  await auth.revoke(mine.token);
  await settled();
  for (const { live, noted } of [first, second]) {
    assert.deepEqual(noted.closes, REVOKED);
    assert.equal(live.mayAct(), false);
    assert.equal((await live.asked).reason, "revoked");
    live.release();
    live.release();
  }
  assert.deepEqual(elsewhere.noted.closes, [], "an endpoint that was not named is found by sweeps only");
  assert.equal(bobs.live.mayAct(), true);
  broadcast.publish([{ kind: "disconnect", endpoint: "mobile", topic: other.socketId, event: "disconnect", payload: {} }]);
  await settled();
  assert.equal(bobs.live.mayAct(), true, "the topic of another endpoint");
  // Repeating it is harmless.
  broadcast.publish(broadcast.published.slice());
  await settled();
  assert.deepEqual(first.noted.closes, REVOKED);
  sockets.verifyAll();
  await until("the sweep has found it", () => elsewhere.noted.closes.length === 1);
  assert.deepEqual(elsewhere.noted.closes, REVOKED);
  assert.deepEqual(bobs.noted.closes, []);
  elsewhere.live.release();
  bobs.live.release();
  const { opened, closed, revoked, registered, cut } = sockets.counts();
  assert.deepEqual({ opened, closed, revoked, registered, cut }, { opened: 4, closed: 4, revoked: 3, registered: 0, cut: 0 });
  const order = events.filter(({ socket }) => socket === first.live).map(({ kind }) => kind);
  assert.deepEqual(order, ["opened", "closing", "closed"]);
  await sockets.close();
  assert.equal(broadcast.listeners, 0);
});

test("a dead token, a wrong purpose and one that opens no sockets are refused, and leave nothing behind", async () => {
  const { auth, sockets, issue } = await service();
  const dead = await issue();
  await auth.revoke(dead.token);
  await settled();
  await assert.rejects(sockets.open(dead.token, USER), code("token_revoked"));
  const api = await auth.issue({ subject: "alice", purpose: "api" });
  await assert.rejects(sockets.open(api.token, USER), code("purpose_not_allowed"));
  await assert.rejects(sockets.open(api.token, { purposes: ["api"] }), code("purpose_not_allowed"));
  await assert.rejects(sockets.open("nonsense", USER), AuthError);
  const { registered, refused, opened } = sockets.counts();
  assert.deepEqual({ registered, refused, opened }, { registered: 0, refused: 4, opened: 0 });
  await sockets.close();
});

test("a disconnect that comes between the subscription and the acceptance refuses", async () => {
  let revoke = async () => undefined;
  const { auth, sockets, issue } = await service(
    {},
    {
      wrap: (auth) => ({
        ...operations(auth),
        // The answer was on its way when the revocation was committed.
        async admit(...given) {
          const answer = await auth.admit(...given);
          await revoke();
          await settled();
          return answer;
        },
      }),
    },
  );
  const { token } = await issue();
  revoke = () => auth.revoke(token);
  await assert.rejects(sockets.open(token, USER), code("token_revoked"));
  assert.equal(sockets.counts().registered, 0);
  await sockets.close();
});

test("what was asked to close before its upgrade was done is closed when it is handed over", async () => {
  const { auth, sockets, issue } = await service({ cutAfter: 50 });
  const { token } = await issue();
  const live = await sockets.open(token, USER);
  await auth.revoke(token);
  await settled();
  assert.equal(live.mayAct(), false);
  const peer = connection();
  live.attach(peer);
  assert.deepEqual(peer.noted.closes, REVOKED);
  await until("it is cut", () => peer.noted.terminated === 1);
  assert.equal(sockets.counts().registered, 0);
  await sockets.close();
});

test("a connection that does not close is cut after its time, one that closes is not", async () => {
  const { auth, sockets, issue } = await service({ cutAfter: 100 });
  const { token } = await issue();
  const [silent, polite] = [connection(), connection()];
  (await sockets.open(token, USER)).attach(silent);
  const live = await sockets.open(token, USER);
  live.attach({ ...polite, close: (...given) => (polite.close(...given), live.release()) });
  const began = performance.now();
  await auth.revoke(token);
  await settled();
  await until("it is cut", () => silent.noted.terminated === 1);
  const took = performance.now() - began;
  assert.ok(took >= 99 && took < 600, `${took} ms`);
  assert.equal(polite.noted.terminated, 0);
  assert.deepEqual([sockets.counts().registered, sockets.counts().cut], [0, 1]);
  await sockets.close();
});

test("a connection whose close throws is cut, and the others are told all the same", async () => {
  const { auth, sockets, issue, problems } = await service({ cutAfter: 50 });
  const { token } = await issue();
  const [broken, fine] = [connection(), connection()];
  (await sockets.open(token, USER)).attach({
    ...broken,
    close() {
      throw new Error("not now");
    },
  });
  (await sockets.open(token, USER)).attach(fine);
  await auth.revoke(token);
  await settled();
  assert.deepEqual(fine.noted.closes, REVOKED);
  assert.equal(problems[0]?.kind, "close_failed");
  await until("both are cut", () => sockets.counts().registered === 0);
  assert.equal(broken.noted.terminated, 1);
  await sockets.close();
});

test("a burst tells all peers before it winds up any, whether it is one message or many", async () => {
  const told = [];
  const woundUp = [];
  const { auth, sockets, issue, broadcast } = await service({
    onEvent: ({ kind, socket }) => kind === "closing" && woundUp.push([socket, told.length]),
  });
  const tokens = [];
  for (let n = 0; n < 200; n++) {
    const { token } = await issue("many");
    tokens.push(token);
    const live = await sockets.open(token, USER);
    live.attach({ close: () => told.push(live) });
  }
  await auth.signOutEverywhere("many");
  await settled();
  await until("all are wound up", () => woundUp.length === 200);
  assert.equal(broadcast.published.length, 200);
  assert.ok(
    woundUp.every(([, before]) => before === 200),
    "every winding up came after the last telling",
  );
  assert.deepEqual(
    woundUp.map(([socket]) => socket),
    told,
  );
  for (const live of sockets.list()) live.release();
  await sockets.close();
});

test("limits: of the process and of one session", async () => {
  const { sockets, issue } = await service({ maxSockets: 3, maxSocketsPerSession: 2 });
  const [mine, other, third] = [await issue("alice"), await issue("bob"), await issue("carol")];
  const first = await sockets.open(mine.token, USER);
  await sockets.open(mine.token, USER);
  await assert.rejects(sockets.open(mine.token, USER), code("overloaded"));
  await sockets.open(other.token, USER);
  await assert.rejects(sockets.open(third.token, USER), code("overloaded"));
  first.release();
  await sockets.open(third.token, USER);
  await sockets.close();
});

test("closing the registry closes all, refuses new ones, and waits for those that are open", async () => {
  const { sockets, issue } = await service();
  const { token } = await issue();
  const live = await sockets.open(token, USER);
  const peer = connection();
  live.attach({ ...peer, close: (...given) => (peer.close(...given), setTimeout(() => live.release(), 50)) });
  const began = performance.now();
  const closed = sockets.close();
  await assert.rejects(sockets.open(token, USER), code("kernel_unavailable"));
  await closed;
  const took = performance.now() - began;
  assert.ok(took >= 45 && took < 900, `${took} ms`);
  assert.deepEqual(peer.noted.closes, [[1001, "shutdown"]]);
  assert.equal(sockets.counts().registered, 0);
});

test("the farewell is the application's", async () => {
  const { auth, sockets, issue } = await service({ farewell: ({ reason }) => ({ code: 4401, reason: `bye: ${reason}` }) });
  const { token } = await issue();
  const peer = connection();
  (await sockets.open(token, USER)).attach(peer);
  await auth.revoke(token);
  await settled();
  assert.deepEqual(peer.noted.closes, [[4401, "bye: revoked"]]);
  for (const live of sockets.list()) live.release();
  await sockets.close();
});

test("wrong options are refused when they are given", async () => {
  const { createSockets } = await import("authkernel/sockets");
  const { auth } = await service();
  assert.throws(() => createSockets({ endpoint: "web" }), TypeError);
  assert.throws(() => createSockets({ authenticator: auth, endpoint: "" }), TypeError);
  assert.throws(() => createSockets({ authenticator: auth, endpoint: "web", sweepEvery: -1 }), TypeError);
  assert.throws(() => createSockets({ authenticator: auth, endpoint: "web", broadcast: { publish() {} } }), TypeError);
});
