// The helper for Socket.IO, with the real client: what is refused, and that it stays away once it is disconnected.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Server } from "socket.io";
import { io as dial } from "socket.io-client";
import { admission, liveSocketOf } from "authkernel/sockets/socket-io";
import { listen } from "./http.mjs";
import { USER, operations, service, settled, sleep, until } from "./service.mjs";

const stops = [];
after(() => Promise.all(stops.map((stop) => stop())));

async function live({ io: ioOptions = {}, gate = {}, given = {}, more = {} } = {}) {
  const all = await service(given, more);
  const http = await listen();
  const io = new Server(http.server, ioOptions);
  const heard = [];
  let connections = 0;
  io.use(admission({ sockets: all.sockets, ...USER, ...gate }));
  io.on("connection", (socket) => {
    connections++;
    socket.on("say", (text, answer) => {
      heard.push(text);
      answer?.(`${liveSocketOf(socket).identity.subject}: ${text}`);
    });
  });
  const clients = [];
  const client = (options = {}) => {
    const socket = dial(http.origin, { forceNew: true, reconnectionDelay: 40, reconnectionDelayMax: 60, ...options });
    const noted = { connects: 0, disconnects: [], errors: [] };
    socket.on("connect", () => noted.connects++);
    socket.on("disconnect", (reason) => noted.disconnects.push(reason));
    socket.on("connect_error", (error) => noted.errors.push(error.data ?? error.message));
    clients.push(socket);
    return { socket, noted };
  };
  stops.push(async () => {
    for (const socket of clients) socket.close();
    await all.sockets.close();
    io.close();
    await http.stop();
  });
  return { ...all, http, io, heard, client, connections: () => connections };
}

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  test(`the real client is disconnected by the server and stays away (${transports.join(", then ")})`, async () => {
    const { auth, issue, client, heard, sockets, connections, http } = await live();
    const { token } = await issue();
    const { socket, noted } = client({ transports, auth: { token } });
    await until("it is connected", () => noted.connects === 1);
    assert.equal(await socket.emitWithAck("say", "hello"), "alice: hello");
    await auth.revoke(token);
    await until("it is disconnected", () => noted.disconnects.length === 1);
    assert.deepEqual(noted.disconnects, ["io server disconnect"]);
    assert.equal(socket.active, false, "it does not try again");
    await sleep(500);
    assert.deepEqual([noted.connects, connections()], [1, 1]);
    assert.deepEqual(heard, ["hello"]);
    await until("it is forgotten", () => sockets.counts().registered === 0);
    await until("no stream is left but idle ones", async () => {
      http.server.closeIdleConnections();
      return http.streams.size === 0;
    });
    // By hand, it is refused.
    socket.connect();
    await until("it is refused", () => noted.errors.length === 1);
    assert.equal(noted.errors[0].code, "token_revoked");
  });
}

test("what is refused is refused before the connection, with a code, and the real client does not try again", async () => {
  const { auth, issue, client, connections, sockets } = await live();
  const { token } = await issue();
  const dead = await issue();
  await auth.revoke(dead.token);
  const cookie = (value, more = {}) => ({ extraHeaders: { cookie: `authkernel_session=${value}`, ...more } });
  const cases = [
    ["nothing", {}, "credential_missing", 401],
    ["a dead token", { auth: { token: dead.token } }, "token_revoked", 401],
    ["no text", { auth: { token: 7 } }, "authorization_invalid", 401],
    [
      "a bad header, in spite of a good token",
      { auth: { token }, extraHeaders: { authorization: "Basic x" } },
      "authorization_invalid",
      401,
    ],
    ["a dead cookie", cookie(dead.token), "token_revoked", 401],
    ["a cookie from another origin", cookie(token, { origin: "https://evil.example" }), "origin_refused", 403],
  ];
  for (const [what, options, code, status] of cases) {
    const { noted } = client({ transports: ["websocket"], ...options });
    await until(`${what}: it is refused`, () => noted.errors.length === 1);
    const { code: given, status: answered, message } = noted.errors[0];
    assert.deepEqual([given, answered], [code, status], what);
    assert.ok(message && !message.includes(token));
    await sleep(150);
    assert.equal(noted.errors.length, 1, what);
  }
  assert.equal(connections(), 0);
  assert.equal(sockets.counts().registered, 0);
  for (const options of [cookie(token), { extraHeaders: { authorization: `Bearer ${token}` } }]) {
    const { noted } = client({ transports: ["websocket"], ...options });
    await until("it is connected", () => noted.connects === 1);
  }
});

test("an expired token disconnects, and the page can be told why", async () => {
  const { issue, client } = await live({ gate: { farewellEvent: "signed_out" } });
  const { token } = await issue("alice", { lifetime: 1 });
  const { socket, noted } = client({ transports: ["websocket"], auth: { token } });
  const told = [];
  socket.on("signed_out", (why) => told.push(why));
  await until("it is disconnected", () => noted.disconnects.length === 1);
  assert.deepEqual(noted.disconnects, ["io server disconnect"]);
  assert.deepEqual(told, [{ code: 4001, reason: "expired" }]);
});

test("a muted connection hears, and nothing that it says is acted on", async () => {
  let mute = false;
  const { issue, client, heard, sockets, io } = await live({
    more: {
      wrap: (auth) => ({
        ...operations(auth),
        sweep: async (given) => ({ verdicts: given.map(() => (mute ? "mute" : "keep")), error: undefined }),
      }),
    },
  });
  const { token } = await issue();
  const { socket, noted } = client({ transports: ["websocket"], auth: { token } });
  await until("it is connected", () => noted.connects === 1);
  mute = true;
  sockets.verifyAll();
  await until("it is muted", () => !sockets.list()[0].mayAct());
  let told;
  socket.on("tell", (text) => (told = text));
  socket.emit("say", "anything");
  io.emit("tell", "you are signed out");
  await until("it hears", () => told === "you are signed out");
  await sleep(50);
  assert.deepEqual(heard, []);
  assert.equal(noted.disconnects.length, 0);
});

test("state recovery, which skips the middleware, brings no revoked session back", async () => {
  const { auth, issue, client, heard, sockets, io } = await live({ io: { connectionStateRecovery: { maxDisconnectionDuration: 60_000 } } });
  const [mine, other] = [await issue("alice"), await issue("bob")];
  const [first, second] = [
    client({
      transports: ["websocket"],
      auth: { token: mine.token },
      reconnectionDelay: 300,
      reconnectionDelayMax: 300,
      randomizationFactor: 0,
    }),
    client({
      transports: ["websocket"],
      auth: { token: other.token },
      reconnectionDelay: 300,
      reconnectionDelayMax: 300,
      randomizationFactor: 0,
    }),
  ];
  await until("both are connected", () => first.noted.connects === 1 && second.noted.connects === 1);
  // State is only recovered by a client that has received something.
  for (const { socket } of [first, second]) await socket.emitWithAck("say", "before");
  io.emit("anything");
  await sleep(50);
  for (const { socket } of [first, second]) socket.io.engine.close();
  await until("both are gone", () => sockets.counts().registered === 0);
  await auth.revoke(mine.token);
  await settled();
  await until("the good one is back", () => second.noted.connects === 2, 3_000);
  assert.equal(second.socket.recovered, true);
  assert.equal(await second.socket.emitWithAck("say", "after"), "bob: after");
  await until(
    "the revoked one is turned away",
    () => first.noted.disconnects.includes("io server disconnect") || first.noted.errors.length > 0,
    3_000,
  );
  first.socket.emit("say", "evil");
  await sleep(200);
  assert.ok(!heard.includes("evil"));
  assert.equal(sockets.counts().registered, 1);
});

for (const [when, wait] of [
  ["while it is decided about", true],
  ["once it is connected", false],
]) {
  test(`a client that goes ${when} leaves nothing behind`, async () => {
    let decide;
    const waiting = wait ? new Promise((resolve) => (decide = resolve)) : undefined;
    const wrap = (auth) => ({ ...operations(auth), admit: async (...given) => (await waiting, auth.admit(...given)) });
    const { issue, client, sockets, io, connections } = await live({ more: { wrap } });
    const { token } = await issue();
    const { socket, noted } = client({ transports: ["websocket"], auth: { token } });
    await until("it is registered", () => sockets.counts().registered === 1);
    if (!wait) await until("it is connected", () => noted.connects === 1);
    socket.io.engine.transport.ws.terminate();
    socket.disconnect();
    await until("the server has seen it", () => io.engine.clientsCount === 0);
    decide?.();
    await until("it is forgotten", () => sockets.counts().registered === 0, 1_000);
    assert.equal(connections(), wait ? 0 : 1);
  });
}

test("a client that ignores the disconnect is cut", async () => {
  const { auth, issue, http, sockets } = await live();
  const { token } = await issue();
  // Engine.IO and Socket.IO by hand, over a plain WebSocket that never closes by itself.
  const { WebSocket } = await import("ws");
  const socket = new WebSocket(`${http.ws}/socket.io/?EIO=4&transport=websocket`);
  const packets = [];
  socket.on("message", (data) => {
    const packet = String(data);
    packets.push(packet);
    if (packet.startsWith("0")) socket.send(`40${JSON.stringify({ token })}`);
  });
  await until("it is connected", () => packets.some((packet) => packet.startsWith("40")));
  // It answers no close frame from here on.
  socket._receiver.removeAllListeners("conclude");
  socket._socket.removeAllListeners("end");
  const began = performance.now();
  await auth.revoke(token);
  await until("it is told", () => packets.includes("41"));
  await until("its stream is gone", () => http.streams.size === 0, 4_000);
  const took = performance.now() - began;
  assert.ok(took < 2_500, `${took} ms`);
  await until("it is forgotten", () => sockets.counts().registered === 0);
  socket.terminate();
});

test("with namespaces of their own, the others stay", async () => {
  const { auth, issue, client, io, sockets } = await live({ gate: { closeConnection: false } });
  io.of("/admin").use(admission({ sockets, ...USER, closeConnection: false }));
  io.of("/admin").on("connection", () => undefined);
  const [mine, other] = [await issue("alice"), await issue("root")];
  const { socket, noted } = client({ transports: ["websocket"], auth: { token: mine.token } });
  const admin = socket.io.socket("/admin", { auth: { token: other.token } });
  await until("both are connected", () => noted.connects === 1 && admin.connected);
  await auth.revoke(mine.token);
  await until("one is disconnected", () => noted.disconnects.length === 1);
  await sleep(100);
  assert.deepEqual(noted.disconnects, ["io server disconnect"]);
  assert.equal(admin.connected, true);
  await auth.revoke(other.token);
  await until("the other, too", () => !admin.connected);
});
