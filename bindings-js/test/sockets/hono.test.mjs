// The helper for Hono on Node, with both of its adapters there.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { after, test } from "node:test";
import { serve as serve1 } from "@hono/node-server";
import { createNodeWebSocket } from "@hono/node-ws";
import { Hono } from "hono";
import { serve as serve2, upgradeWebSocket as upgrade2 } from "hono-node-server-2";
import { WebSocketServer } from "ws";
import { liveWebSocket } from "authkernel/sockets/hono";
import { bearer, dial, listen } from "./http.mjs";
import { USER, operations, service, sleep, until } from "./service.mjs";

const stops = [];
after(() => Promise.all(stops.map((stop) => stop())));

const ADAPTERS = {
  "@hono/node-ws, @hono/node-server 1": (app) => {
    const { upgradeWebSocket, injectWebSocket } = createNodeWebSocket({ app });
    return { upgradeWebSocket, serve: (options) => (injectWebSocket((options.server = serve1(options))), options.server) };
  },
  "@hono/node-server 2": () => ({
    upgradeWebSocket: upgrade2,
    serve: (options) => serve2({ ...options, websocket: { server: new WebSocketServer({ noServer: true }) } }),
  }),
};

for (const [name, adapter] of Object.entries(ADAPTERS)) {
  async function live(given = {}, more = {}) {
    const all = await service(given, more);
    const app = new Hono();
    const { upgradeWebSocket, serve } = adapter(app);
    const heard = [];
    const ended = [];
    app.get(
      "/live",
      liveWebSocket({
        sockets: all.sockets,
        upgradeWebSocket,
        ...USER,
        events: (_context, live) => ({
          onOpen: (_event, socket) => socket.send(live.identity.socketId),
          onMessage: ({ data }, socket) => {
            heard.push(data);
            socket.send(`${live.identity.subject}: ${data}`);
          },
          onClose: ({ code }) => ended.push(code),
        }),
      }),
    );
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
    if (!server.listening) await once(server, "listening");
    const http = await listen(server);
    stops.push(() => Promise.all([http.stop(), all.sockets.close()]));
    return { ...all, http, heard, ended, url: `${http.ws}/live` };
  }

  test(`${name}: a token opens, a sign-out closes with 4001, and nothing is acted on from then on`, async () => {
    const { auth, issue, url, heard, ended, sockets } = await live();
    const issued = await issue();
    const { socket, closed, received } = await dial(url, { headers: bearer(issued.token) });
    socket.send("hello");
    await until("it answers", () => received.length === 2);
    assert.deepEqual(received, [issued.socketId, "alice: hello"]);
    await auth.revoke(issued.token);
    socket.send("after");
    const { code, reason } = await closed;
    assert.deepEqual([code, reason], [4001, "revoked"]);
    await until("it is forgotten", () => sockets.counts().registered === 0 && ended.length === 1);
    assert.deepEqual(heard, ["hello"]);
  });

  test(`${name}: refusals come at the upgrade`, async () => {
    const { auth, issue, url, sockets, http } = await live();
    const { token } = await issue();
    const dead = await issue();
    await auth.revoke(dead.token);
    assert.equal((await dial(url)).status, 401);
    assert.equal((await dial(url, { headers: bearer(dead.token) })).status, 401);
    assert.equal((await dial(url, { headers: { cookie: `authkernel_session=${token}`, origin: "https://evil.example" } })).status, 403);
    const { socket } = await dial(url, { headers: { cookie: `authkernel_session=${token}`, origin: http.origin } });
    assert.equal(sockets.counts().registered, 1);
    socket.terminate();
    const plain = await fetch(`${http.origin}/live`, { headers: bearer(token) });
    assert.equal(plain.status, 426);
    assert.equal((await plain.json()).error.code, "upgrade_required");
    await until("it is forgotten", () => sockets.counts().registered === 0);
  });

  test(`${name}: a client that goes while it is decided about leaves nothing behind`, async () => {
    let decide;
    const waiting = new Promise((resolve) => (decide = resolve));
    const wrap = (auth) => ({ ...operations(auth), admit: async (...given) => (await waiting, auth.admit(...given)) });
    const { issue, http, sockets } = await live({}, { wrap });
    const { token } = await issue();
    const stream = connect(http.port, "127.0.0.1");
    const head = ["GET /live HTTP/1.1", "host: x", "connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
    const key = randomBytes(16).toString("base64");
    stream.write([...head, `sec-websocket-key: ${key}`, `authorization: Bearer ${token}`, "", ""].join("\r\n"));
    await until("it is registered", () => sockets.counts().registered === 1);
    stream.resetAndDestroy();
    await sleep(30);
    decide();
    await until("it is forgotten", () => sockets.counts().registered === 0, 1_000);
  });

  test(`${name}: an admitted upgrade that the adapter refuses leaves nothing behind`, async () => {
    const { issue, http, sockets } = await live();
    const { token } = await issue();
    const stream = connect(http.port, "127.0.0.1");
    const head = ["GET /live HTTP/1.1", "host: x", "connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
    stream.write([...head, "sec-websocket-key: no key", `authorization: Bearer ${token}`, "", ""].join("\r\n"));
    await once(stream, "data");
    stream.destroy();
    await until("it is forgotten", () => sockets.counts().registered === 0, 1_000);
    assert.equal(sockets.counts().opened, 1);
  });

  test(`${name}: a peer that does not close is cut`, async () => {
    const { auth, issue, url, sockets, http } = await live({ cutAfter: 100 });
    const { token } = await issue();
    const { socket } = await dial(url, { headers: bearer(token) });
    socket.pause();
    await auth.revoke(token);
    await until("it is cut", () => sockets.counts().cut === 1 && http.streams.size === 0, 2_000);
    socket.terminate();
  });
}

test("a connection that is revoked while its upgrade is under way never acts", async () => {
  const all = await service();
  const { token } = await all.issue();
  let events;
  const handler = liveWebSocket({
    sockets: all.sockets,
    ...USER,
    events: () => ({ onMessage: () => assert.fail("it was heard") }),
    upgradeWebSocket: (make) => async (context) => {
      events = make(context);
      return new Response();
    },
  });
  const request = new Request("http://app.example/live", { headers: { ...bearer(token), upgrade: "websocket" } });
  await handler({ req: { raw: request }, env: {} }, async () => undefined);
  await all.auth.revoke(token);
  await sleep(1);
  const closes = [];
  const socket = { close: (...given) => closes.push(given) };
  events.onOpen({}, socket);
  events.onMessage({ data: "x" }, socket);
  assert.deepEqual(closes, [[4001, "revoked"]]);
  events.onClose({}, socket);
  assert.equal(all.sockets.counts().registered, 0);
  await all.sockets.close();
});
