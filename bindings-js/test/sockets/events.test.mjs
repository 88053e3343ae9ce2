// Live connections as server-sent events: on Node over Hono, and as plain responses of the fetch standard.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, test } from "node:test";
import { Hono } from "hono";
import { serve } from "hono-node-server-2";
import { liveEvents, serveEvents } from "authkernel/sockets/events";
import { bearer, listen } from "./http.mjs";
import { operations, service, sleep, until, USER } from "./service.mjs";

const stops = [];
after(() => Promise.all(stops.map((stop) => stop())));

/** A service whose streams are greeted, and told what a test says. */
async function live(given = {}, more = {}, options = {}) {
  const all = await service(given, more);
  const streams = [];
  const ended = [];
  const refused = [];
  const events = liveEvents({
    sockets: all.sockets,
    ...USER,
    connected(stream, live) {
      streams.push(stream);
      stream.send({ name: "hello", data: live.identity.subject });
      return () => ended.push(live.closing?.reason ?? "by itself");
    },
    refused: (refusal) => refused.push(refusal.code),
    ...options,
  });
  return { ...all, events, streams, ended, refused };
}

async function onNode(...given) {
  const all = await live(...given);
  const app = new Hono();
  app.get("/live/events", (context) => all.events(context.req.raw, context.env.outgoing));
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
  if (!server.listening) await once(server, "listening");
  const http = await listen(server);
  stops.push(() => Promise.all([http.stop(), all.sockets.close()]));
  return { ...all, http, url: `${http.origin}/live/events` };
}

/** Reads a response to its end: what came so far, and a promise of the end. */
function read(response) {
  const heard = { text: "", error: undefined };
  heard.over = (async () => {
    const decoder = new TextDecoder();
    try {
      for await (const part of response.body) heard.text += decoder.decode(part, { stream: true });
    } catch (error) {
      heard.error = error;
    }
  })();
  return heard;
}

const FAREWELL = (code, reason) => `event: close\ndata: {"code":${code},"reason":"${reason}"}\n\n`;

test("a token opens; a sign-out sends the closing event and ends the response; then it is refused", async () => {
  const { auth, issue, url, sockets, streams, ended, refused } = await onNode();
  const { token } = await issue();
  const response = await fetch(url, { headers: bearer(token) });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(response.headers.get("cache-control"), "no-store");
  const heard = read(response);
  await until("it is greeted", () => heard.text === "event: hello\ndata: alice\n\n");
  assert.equal(streams[0].send("one\ntwo"), true);
  await until("it is told", () => heard.text.endsWith("data: one\ndata: two\n\n"));
  const began = performance.now();
  await auth.revoke(token);
  await heard.over;
  assert.ok(performance.now() - began < 500, "the end was late");
  assert.equal(heard.error, undefined);
  assert.ok(heard.text.endsWith(FAREWELL(4001, "revoked")), heard.text);
  assert.equal(streams[0].send("too late"), false);
  await until("it is forgotten", () => sockets.counts().registered === 0);
  assert.equal(sockets.counts().cut, 0);
  assert.deepEqual(ended, ["revoked"]);
  const again = await fetch(url, { headers: bearer(token) });
  assert.deepEqual([again.status, (await again.json()).error.code], [401, "token_revoked"]);
  assert.deepEqual(refused, ["token_revoked"]);
});

test("refusals: nothing, a cookie of another origin; a cookie of the same one is taken, and HEAD opens nothing", async () => {
  const { issue, url, http, sockets } = await onNode();
  const { token } = await issue();
  assert.equal((await fetch(url)).status, 401);
  const cookie = `authkernel_session=${token}`;
  assert.equal((await fetch(url, { headers: { cookie, origin: "https://evil.example" } })).status, 403);
  const head = await fetch(url, { method: "HEAD", headers: bearer(token) });
  assert.deepEqual([head.status, sockets.counts().registered], [200, 0]);
  const abort = new AbortController();
  const taken = await fetch(url, { headers: { cookie, origin: http.origin }, signal: abort.signal });
  assert.deepEqual([taken.status, sockets.counts().registered], [200, 1]);
  abort.abort();
  await until("it is forgotten", () => sockets.counts().registered === 0);
});

test("an expired token's stream ends at its deadline, and says so", async () => {
  const { issue, url } = await onNode();
  const { token, deadline } = await issue("alice", { lifetime: 2 });
  const heard = read(await fetch(url, { headers: bearer(token) }));
  await heard.over;
  const late = Date.now() - deadline * 1000;
  assert.ok(heard.text.endsWith(FAREWELL(4001, "expired")), heard.text);
  assert.ok(late > -100 && late < 1_500, `${late} ms late`);
});

test("a stream whose disconnect was lost is found by a sweep", async () => {
  const { auth, issue, url, broadcast, sockets } = await onNode();
  const { token } = await issue();
  const heard = read(await fetch(url, { headers: bearer(token) }));
  await until("it is greeted", () => heard.text !== "");
  broadcast.deaf = true;
  await auth.revoke(token);
  await sleep(50);
  assert.equal(sockets.counts().registered, 1);
  sockets.verifyAll();
  await heard.over;
  assert.ok(heard.text.endsWith(FAREWELL(4001, "revoked")), heard.text);
});

test("shutting down ends streams with 1001", async () => {
  const { issue, url, sockets } = await onNode();
  const heard = read(await fetch(url, { headers: bearer((await issue()).token) }));
  await until("it is greeted", () => heard.text !== "");
  await sockets.close();
  await heard.over;
  assert.ok(heard.text.endsWith(FAREWELL(1001, "shutdown")), heard.text);
});

test("a peer that does not read misses what comes, and is cut in time after a sign-out", async () => {
  const { auth, issue, http, sockets, streams, ended } = await onNode({ cutAfter: 200 });
  const { token } = await issue();
  const peer = connect(http.port, "127.0.0.1");
  peer.pause();
  peer.write(`GET /live/events HTTP/1.1\r\nhost: ${http.host}\r\nauthorization: Bearer ${token}\r\n\r\n`);
  await until("it is open", () => streams.length === 1);
  const block = "x".repeat(60_000);
  await until("it is slow", () => !streams[0].send(block), 10_000);
  await auth.revoke(token);
  await until("it is cut", () => sockets.counts().cut === 1 && http.streams.size === 0, 3_000);
  assert.deepEqual(ended, ["revoked"]);
  peer.destroy();
});

test("a peer that does not read is cut by the next comment, without any sign-out", async () => {
  const { issue, http, sockets, streams, ended } = await onNode({}, {}, { pingEvery: 100 });
  const { token } = await issue();
  const reader = read(await fetch(`${http.origin}/live/events`, { headers: bearer(token) }));
  await until("it is pinged", () => reader.text.includes("\n\n:\n\n"));
  const peer = connect(http.port, "127.0.0.1");
  peer.pause();
  peer.write(`GET /live/events HTTP/1.1\r\nhost: ${http.host}\r\nauthorization: Bearer ${token}\r\n\r\n`);
  await until("it is open", () => streams.length === 2);
  await until("it is slow", () => !streams[1].send("x".repeat(60_000)), 10_000);
  await until("it is forgotten", () => sockets.counts().registered === 1, 3_000);
  assert.deepEqual(ended, ["by itself"]);
});

test("a client that goes while it is decided about leaves nothing behind", async () => {
  let decide;
  const waiting = new Promise((resolve) => (decide = resolve));
  const wrap = (auth) => ({ ...operations(auth), admit: async (...given) => (await waiting, auth.admit(...given)) });
  const { issue, http, sockets } = await onNode({}, { wrap });
  const { token } = await issue();
  const peer = connect(http.port, "127.0.0.1");
  peer.write(`GET /live/events HTTP/1.1\r\nhost: ${http.host}\r\nauthorization: Bearer ${token}\r\n\r\n`);
  await until("it is registered", () => sockets.counts().registered === 1);
  peer.resetAndDestroy();
  await sleep(30);
  decide();
  await until("it is forgotten", () => sockets.counts().registered === 0, 1_000);
});

test("without Node: the response alone, cancelled, aborted, or read to its end", async () => {
  const { auth, issue, events, sockets, ended } = await live();
  const { token } = await issue();
  const request = () => new Request("https://app.example/live/events", { headers: bearer(token) });
  const cancelled = await events(request());
  assert.equal(sockets.counts().registered, 1);
  await cancelled.body.cancel();
  assert.equal(sockets.counts().registered, 0);

  const abort = new AbortController();
  serveEvents(await sockets.open(token, USER), { signal: abort.signal });
  assert.equal(sockets.counts().registered, 1);
  abort.abort();
  assert.equal(sockets.counts().registered, 0);

  const heard = read(await events(request()));
  await until("it is greeted", () => heard.text !== "");
  await auth.revoke(token);
  await heard.over;
  assert.ok(heard.text.endsWith(FAREWELL(4001, "revoked")), heard.text);
  assert.deepEqual([sockets.counts().registered, sockets.counts().cut], [0, 0]);
  assert.deepEqual(ended, ["by itself", "revoked"]);
  await sockets.close();
});

test("without Node: a response that nobody reads is given up in time, with an error", async () => {
  const { auth, issue, events, sockets } = await live({ cutAfter: 100 });
  const { token } = await issue();
  const response = await events(new Request("https://app.example/", { headers: bearer(token) }));
  await auth.revoke(token);
  await until("it is cut", () => sockets.counts().cut === 1 && sockets.counts().registered === 0, 2_000);
  const heard = read(response);
  await heard.over;
  assert.match(String(heard.error), /does not read/);
  await sockets.close();
});

test("an application that fails to greet leaves nothing behind; no text forges an event; the farewell may be another", async () => {
  const { auth, issue, sockets } = await live();
  const { token } = await issue();
  const failing = () => {
    throw new Error("no greeting");
  };
  const admitted = await sockets.open(token, USER);
  assert.throws(() => serveEvents(admitted, { connected: failing }), /no greeting/);
  assert.equal(sockets.counts().registered, 0);

  const response = serveEvents(await sockets.open(token, USER), {
    connected: (stream) => void stream.send({ name: "x\ndata: forged\n\n", data: "a\r\nb\rc\n\nevent: close" }),
    farewell: ({ code, reason }) => ({ data: `${code} ${reason}` }),
  });
  const heard = read(response);
  await until("it is greeted", () => heard.text !== "");
  await auth.revoke(token);
  await heard.over;
  assert.equal(heard.text, "event: xdata: forged\ndata: a\ndata: b\ndata: c\ndata: \ndata: event: close\n\ndata: 4001 revoked\n\n");
  await sockets.close();
});
