// The helper for ws, over real HTTP: what is refused at the upgrade, and how what was accepted ends.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { handleUpgrades } from "authkernel/sockets/ws";
import { bearer, dial, listen } from "./http.mjs";
import { USER, operations, service, settled, sleep, until } from "./service.mjs";

const stops = [];
after(() => Promise.all(stops.map((stop) => stop())));

async function live(options = {}, given = {}, more = {}) {
  const all = await service(given, more);
  const http = await listen();
  const server = new WebSocketServer({ noServer: true });
  const acted = [];
  const accepted = [];
  http.server.on(
    "upgrade",
    handleUpgrades({
      sockets: all.sockets,
      server,
      path: "/live",
      ...USER,
      connected(socket, live) {
        accepted.push(socket);
        socket.on("message", (data) => {
          acted.push(String(data));
          socket.send(`${live.identity.subject}: ${data}`);
        });
      },
      ...options,
    }),
  );
  stops.push(() => Promise.all([http.stop(), all.sockets.close()]));
  return { ...all, http, server, acted, accepted, url: `${http.ws}/live` };
}

test("a token opens a connection, a sign-out closes it with 4001 and revoked", async () => {
  const { auth, issue, url, sockets, acted, server } = await live();
  let announced = 0;
  server.on("connection", () => announced++);
  const { token } = await issue();
  const { socket, closed, received } = await dial(url, { headers: bearer(token) });
  socket.send("hello");
  await until("it answers", () => received.length === 1);
  assert.deepEqual([received, acted, announced], [["alice: hello"], ["hello"], 1]);
  await auth.revoke(token);
  const { code, reason } = await closed;
  assert.deepEqual([code, reason], [4001, "revoked"]);
  await until("it is forgotten", () => sockets.counts().registered === 0);
  assert.equal(sockets.counts().cut, 0);
  // And it does not come back.
  assert.equal((await dial(url, { headers: bearer(token) })).code, "token_revoked");
});

test("an expired token closes its connection with 4001 and expired", async () => {
  const { issue, url } = await live();
  const { token } = await issue("alice", { lifetime: 1 });
  const { closed } = await dial(url, { headers: bearer(token) });
  const { code, reason } = await closed;
  assert.deepEqual([code, reason], [4001, "expired"]);
  assert.equal((await dial(url, { headers: bearer(token) })).code, "token_expired");
});

test("what is refused is refused at the upgrade, with a status, a code, and nothing accepted", async () => {
  const { auth, issue, url, accepted, http, sockets } = await live();
  const { token } = await issue();
  const dead = await issue();
  await auth.revoke(dead.token);
  const api = await auth.issue({ subject: "alice", purpose: "api" });
  const cookie = (value, more = {}) => ({ headers: { cookie: `x=1; authkernel_session=${value}`, ...more } });
  const cases = [
    ["nothing", {}, 401, "credential_missing"],
    ["a dead token", { headers: bearer(dead.token) }, 401, "token_revoked"],
    ["a token of another purpose", { headers: bearer(api.token) }, 401, "purpose_not_allowed"],
    ["another scheme", { headers: { authorization: `Basic ${token}` } }, 401, "authorization_invalid"],
    [
      "a bad header, in spite of a good cookie",
      { headers: { ...cookie(token).headers, authorization: "Bearer" } },
      401,
      "authorization_invalid",
    ],
    ["a dead cookie", cookie(dead.token), 401, "token_revoked"],
    ["two cookies", cookie(`${token}; authkernel_session=${token}`), 401, "credential_ambiguous"],
    ["a cookie from another origin", cookie(token, { origin: "https://evil.example" }), 403, "origin_refused"],
    ["a cookie from another port", cookie(token, { origin: "http://127.0.0.1:1" }), 403, "origin_refused"],
    ["a cookie from no origin that has a name", cookie(token, { origin: "null" }), 403, "origin_refused"],
    ["a cookie from another site", cookie(token, { "sec-fetch-site": "same-site" }), 403, "origin_refused"],
    ["the cookie of https over http", { headers: { cookie: `__Host-authkernel_session=${token}` } }, 401, "credential_missing"],
    ["a ticket that is not taken here", { query: `?ticket=${token}` }, 401, "credential_missing"],
    ["a subprotocol that is not taken here", { protocols: ["a", `authkernel.bearer.${token}`] }, 401, "credential_missing"],
  ];
  for (const [what, { query = "", ...given }, status, code] of cases) {
    const answer = await dial(url + query, given);
    assert.deepEqual([answer.status, answer.code], [status, code], what);
    assert.equal(answer.headers["content-type"], "application/json", what);
    assert.equal(answer.headers["cache-control"], "no-store", what);
    const challenge = code === "credential_missing" ? "Bearer" : 'Bearer error="invalid_token"';
    assert.equal(answer.headers["www-authenticate"], status === 401 ? challenge : undefined, what);
    assert.ok(!JSON.stringify(answer.body).includes(token), what);
  }
  assert.equal(accepted.length, 0);
  assert.equal(sockets.counts().registered, 0);
  await until("no stream is left open", () => http.streams.size === 0);
  // The same cookie from here is good.
  const { socket } = await dial(url, cookie(token, { origin: http.origin, "sec-fetch-site": "same-origin" }));
  socket.terminate();
});

test("storage that is away refuses with 503 and says when to try again", async () => {
  const { AuthError } = await import("authkernel");
  const { issue, url } = await live(
    {},
    {},
    {
      wrap: (auth) => ({
        ...operations(auth),
        authenticate: () => Promise.reject(new AuthError("storage_unavailable", "unavailable", "storage is not reachable now")),
      }),
    },
  );
  const { token } = await issue();
  const { status, code, headers } = await dial(url, { headers: bearer(token) });
  assert.deepEqual([status, code, headers["retry-after"]], [503, "storage_unavailable", "1"]);
});

test("tickets are redeemed once, by whoever gave them; a header comes before them", async () => {
  const tickets = new Map();
  const ticket = (text) => {
    const token = tickets.get(text);
    tickets.delete(text);
    return token;
  };
  const { issue, url } = await live({ ticket });
  const { token } = await issue();
  tickets.set("t1", token);
  assert.equal((await dial(`${url}?ticket=t1`, { headers: { authorization: "Bearer" } })).code, "authorization_invalid");
  assert.ok(tickets.has("t1"));
  const { socket } = await dial(`${url}?ticket=t1`);
  assert.ok(socket);
  const again = await dial(`${url}?ticket=t1`);
  assert.deepEqual([again.status, again.code], [401, "ticket_invalid"]);
  assert.equal((await dial(`${url}?ticket=a&ticket=b`)).code, "credential_ambiguous");
  socket.terminate();
});

test("a token as a subprotocol is taken where the options say so, and never answered", async () => {
  const { issue, url } = await live({ subprotocol: true });
  const { token } = await issue();
  const { socket } = await dial(url, { protocols: [`authkernel.bearer.${token}`, "chat"] });
  assert.equal(socket.protocol, "chat");
  socket.terminate();
  assert.equal((await dial(url, { protocols: ["chat"] })).code, "credential_missing");
});

test("upgrades of other paths are left to others, and plain requests are no upgrades", async () => {
  const { http } = await live();
  let other = 0;
  http.server.on("upgrade", (request, stream) => {
    if (request.url === "/other") {
      other++;
      stream.end("HTTP/1.1 418 Teapot\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
  });
  assert.equal((await dial(`${http.ws}/other`)).status, 418);
  assert.equal(other, 1);
  const stream = connect(http.port, "127.0.0.1");
  stream.write("GET /live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n");
  const [answer] = await once(stream, "data");
  assert.match(String(answer), /^HTTP\/1\.1 426 [^]*"code":"upgrade_required"/);
});

/** A client that does as it likes: it has upgraded and speaks raw frames. */
async function hostile(http, token) {
  const stream = connect(http.port, "127.0.0.1");
  const key = randomBytes(16).toString("base64");
  stream.write(
    `GET /live HTTP/1.1\r\nhost: ${http.host}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n` +
      `sec-websocket-key: ${key}\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  const [answer] = await once(stream, "data");
  assert.match(String(answer), /^HTTP\/1\.1 101 /);
  stream.on("error", () => undefined);
  const say = (text) => {
    // Masked with zeros, so that the text stays as it is.
    const data = Buffer.from(text);
    stream.write(Buffer.concat([Buffer.from([0x81, 0x80 | data.length, 0, 0, 0, 0]), data]));
  };
  return { stream, say };
}

test("a client that does not answer the close is not heard any more, and is cut after a second", async () => {
  const { auth, issue, http, acted, sockets } = await live();
  const { token } = await issue();
  const { stream, say } = await hostile(http, token);
  say("before");
  await until("it is heard", () => acted.length === 1);
  let told = 0;
  stream.on("data", (data) => (told += data.length));
  let cutAt;
  stream.on("close", () => (cutAt = performance.now()));
  const began = performance.now();
  await auth.revoke(token);
  await settled();
  const chatter = setInterval(() => !stream.destroyed && say("after"), 5);
  await until("it is cut", () => cutAt !== undefined);
  clearInterval(chatter);
  const took = cutAt - began;
  assert.ok(told > 0, "it was told first");
  assert.ok(took >= 950 && took < 1_600, `${took} ms`);
  assert.deepEqual(acted, ["before"]);
  assert.deepEqual([sockets.counts().registered, sockets.counts().cut], [0, 1]);
});

test("a client that does not read is cut as well", async () => {
  const { auth, issue, http, accepted, sockets } = await live({}, { cutAfter: 200 });
  const { token } = await issue();
  const { stream } = await hostile(http, token);
  stream.pause();
  await until("it is accepted", () => accepted.length === 1);
  // More than the kernel buffers for it: the close cannot be written.
  accepted[0].send(Buffer.alloc(32 * 1024 * 1024));
  await auth.revoke(token);
  await until("it is cut", () => sockets.counts().cut === 1 && http.streams.size === 0, 2_000);
  stream.destroy();
});

test("a client that goes while it is decided about leaves nothing behind", async () => {
  let decide;
  const waiting = new Promise((resolve) => (decide = resolve));
  const { issue, http, accepted, sockets } = await live(
    {},
    {},
    {
      wrap: (auth) => ({
        ...operations(auth),
        admit: async (...given) => (await waiting, auth.admit(...given)),
      }),
    },
  );
  const { token } = await issue();
  const stream = connect(http.port, "127.0.0.1");
  stream.write(
    `GET /live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n` +
      `sec-websocket-key: ${randomBytes(16).toString("base64")}\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  await until("it is registered", () => sockets.counts().registered === 1);
  stream.resetAndDestroy();
  await sleep(30);
  decide();
  await until("it is forgotten", () => sockets.counts().registered === 0);
  assert.equal(accepted.length, 0);
});

test("an admitted upgrade that ws itself refuses leaves nothing behind", async () => {
  const { issue, http, accepted, sockets } = await live();
  const { token } = await issue();
  const stream = connect(http.port, "127.0.0.1");
  stream.write(
    `GET /live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n` +
      `sec-websocket-key: no key\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  const [answer] = await once(stream, "data");
  assert.match(String(answer), /^HTTP\/1\.1 400 /);
  await until("it is forgotten", () => sockets.counts().registered === 0, 1_000);
  assert.deepEqual([sockets.counts().opened, accepted.length], [1, 0]);
});

test("a peer that is silent to pings is cut", async () => {
  const { issue, http, url, sockets } = await live({ pingEvery: 80 });
  const { token } = await issue();
  const { stream } = await hostile(http, token);
  const { socket } = await dial(url, { headers: bearer(token) });
  await until("the silent one is cut", () => stream.destroyed || stream.readableEnded, 2_000);
  await sleep(200);
  assert.equal(socket.readyState, 1, "the one that answers is left open");
  assert.equal(sockets.counts().registered, 1);
  socket.terminate();
});

test("1,000 connections are closed by one sign-out", async () => {
  const { auth, issue, http, sockets } = await live({ pingEvery: 0 });
  const tokens = await Promise.all(Array.from({ length: 20 }, async () => (await issue("crowd")).token));
  const child = fork(fileURLToPath(new URL("clients.mjs", import.meta.url)), ["ws", `${http.ws}/live`, "1000", ...tokens]);
  stops.push(async () => void child.kill());
  const [{ opened }] = await once(child, "message");
  assert.ok(opened);
  assert.equal(sockets.counts().registered, 1_000);
  const ended = once(child, "message");
  const began = performance.timeOrigin + performance.now();
  await auth.signOutEverywhere("crowd");
  const [{ ends }] = await ended;
  const last = Math.max(...ends.map(({ at }) => at)) - began;
  console.log(`1,000 ws connections: the last client saw its close ${last.toFixed(0)} ms after the sign-out began`);
  assert.deepEqual([...new Set(ends.map(({ why }) => why))], ["4001 revoked"]);
  // What it takes on an idle machine is measured by sign-out.bench.mjs; this one may be busy.
  assert.ok(last < 10_000, `${last} ms`);
  await until("all are forgotten", () => sockets.counts().registered === 0);
});
