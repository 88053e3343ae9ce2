// Live connections: WebSocket, tickets, server-sent events.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";
import { folder, refused, start } from "./lib/server.mjs";

const ended = async ({ closed }) => {
  const { code, reason } = await closed;
  return `${code} ${reason}`;
};

describe("live connections", { concurrency: 2 }, () => {
  test("one says hello and hears of its account; what it sends is not acted on", async (t) => {
    const server = await start(t);
    const session = await server.newcomer("a@example.com");
    const live = await server.connect(session.token);
    const hello = await live.until(({ type }) => type === "hello");
    assert.deepEqual([hello.sid, hello.socket_id], [session.sid, session.socket_id]);
    assert.ok(hello.deadline > session.expires_at);
    await server.signIn("a@example.com");
    const event = await live.until(({ type }) => type === "event");
    assert.deepEqual([event.action, event.revoked], ["sign_in", 0]);
    await live.until(({ type }) => type === "sessions");
    live.socket.send('{"type":"hello"}');
    live.socket.close(1000);
    assert.match(await ended(live), /^1000/);
  });

  test("a sign-out closes every connection of the session, and coming back is refused at the upgrade", async (t) => {
    const server = await start(t);
    const session = await server.newcomer("a@example.com");
    const other = await server.signIn("a@example.com");
    const open = await Promise.all(Array.from({ length: 5 }, () => server.connect(session.token)));
    const stays = await server.connect(other.token);
    const began = performance.now();
    await server.ask("DELETE", "/api/session", { token: session.token });
    for (const live of open) assert.equal(await ended(live), "4001 revoked");
    const last = Math.max(...(await Promise.all(open.map(({ closed }) => closed))).map(({ at }) => at));
    assert.ok(last - began < 1_000, `${last - began} ms`);
    assert.deepEqual(await server.refusedUpgrade(session.token), [401, "token_revoked"]);
    assert.equal(stays.socket.readyState, 1);
  });

  test("a ticket opens one connection", async (t) => {
    const server = await start(t);
    const { token } = await server.newcomer("a@example.com");
    const give = async () => {
      const { body } = await server.ask("POST", "/api/socket-ticket", { token });
      assert.deepEqual([body.expires_in, body.ticket.length], [30, 22]);
      return `/live?ticket=${body.ticket}`;
    };
    const path = await give();
    const live = await server.connect(undefined, { path });
    assert.deepEqual(await server.refusedUpgrade(undefined, { path }), [401, "ticket_invalid"]);
    // A bad ticket is not replaced by a good cookie, and no ticket by a bad header.
    const headers = { cookie: `authkernel_session=${token}` };
    assert.deepEqual(await server.refusedUpgrade(undefined, { path, headers }), [401, "ticket_invalid"]);
    const good = await give();
    assert.deepEqual(await server.refusedUpgrade("a.b.c", { path: good }), [401, "token_malformed"]);
    const twice = `${good}&${(await give()).split("?")[1]}`;
    assert.deepEqual(await server.refusedUpgrade(undefined, { path: twice }), [400, "query_invalid"]);
    // Neither of the two was used up.
    await server.connect(undefined, { path: good });
    // A plain request does not use one up either, and a ticket does not outlive its session.
    const late = await give();
    assert.deepEqual(refused(await server.ask("GET", late)), [426, "upgrade_required"]);
    await server.ask("DELETE", "/api/session", { token });
    assert.equal(await ended(live), "4001 revoked");
    assert.deepEqual(await server.refusedUpgrade(undefined, { path: late }), [401, "token_revoked"]);
    assert.deepEqual(refused(await server.ask("POST", "/api/socket-ticket")), [401, "credential_missing"]);
  });

  test("whoever is no good is refused at the upgrade", async (t) => {
    const server = await start(t);
    const { token } = await server.newcomer("a@example.com");
    assert.deepEqual(await server.refusedUpgrade(undefined), [401, "credential_missing"]);
    assert.deepEqual(await server.refusedUpgrade("a.b.c"), [401, "token_malformed"]);
    const cookie = `authkernel_session=${token}`;
    for (const headers of [
      { cookie, origin: "http://evil.example" },
      { cookie, origin: "null" },
      { cookie, "sec-fetch-site": "cross-site" },
    ]) {
      assert.deepEqual(await server.refusedUpgrade(undefined, { headers }), [403, "origin_refused"]);
    }
    assert.equal(await server.refusedUpgrade(undefined, { headers: { cookie, origin: server.origin } }), "accepted");
    const plain = await server.ask("GET", "/live", { token });
    assert.deepEqual([...refused(plain), plain.headers.upgrade], [426, "upgrade_required", "websocket"]);
    // An upgrade that nobody offers is ignored.
    const headers = { connection: "Upgrade", upgrade: "h2c" };
    assert.equal((await server.ask("GET", "/api/me", { token, headers })).status, 200);
    assert.match(server.log, /"action":"connect".*"outcome":"refused","code":"credential_missing"/);
  });

  test("a session that expires is closed", async (t) => {
    const data = folder(t);
    const policy = join(data, "policy.json");
    const user = { lifetime: "2s", store: true, presence: "required", opens_sockets: true };
    writeFileSync(policy, JSON.stringify({ issuer: "i", audience: ["a"], leeway_seconds: 0, purposes: { user } }));
    const server = await start(t, { data, flags: ["--policy", policy] });
    const { token } = await server.newcomer("a@example.com");
    assert.equal(await ended(await server.connect(token)), "4001 expired");
    assert.deepEqual(await server.refusedUpgrade(token), [401, "token_expired"]);
  });

  test("events are the same as a stream", async (t) => {
    const server = await start(t);
    const { token } = await server.newcomer("a@example.com");
    const { body } = await server.ask("POST", "/api/socket-ticket", { token });
    for (const [path, headers] of [
      ["/live/events", { authorization: `Bearer ${token}` }],
      [`/live/events?ticket=${body.ticket}`, {}],
    ]) {
      const stream = await events(server, path, headers);
      assert.equal(stream.response.headers["content-type"], "text/event-stream");
      assert.equal(stream.response.headers["cache-control"], "no-store");
      assert.equal((await stream.next()).type, "hello");
      await server.signIn("a@example.com");
      while ((await stream.next()).action !== "sign_in");
      stream.request.destroy();
    }
    const stream = await events(server, "/live/events", { authorization: `Bearer ${token}` });
    const began = performance.now();
    await server.ask("POST", "/api/sign-out-everywhere", { token, body: {} });
    let last;
    for (let message; (message = await stream.next()) !== undefined;) last = message;
    assert.deepEqual(last, { type: "close", code: 4001, reason: "revoked" });
    assert.ok(performance.now() - began < 1_000, "the response ends at once");
    assert.deepEqual(refused(await server.ask("GET", "/live/events", { token })), [401, "token_revoked"]);
    assert.deepEqual(refused(await server.ask("GET", "/live/events")), [401, "credential_missing"]);
    assert.deepEqual(refused(await server.ask("GET", `/live/events?ticket=${body.ticket}`)), [401, "ticket_invalid"]);
    const { text } = await server.ask("GET", "/metrics");
    assert.match(text, /^authkernel_open_sockets 0$/m);
  });

  test("a frame that is too large ends only its connection", async (t) => {
    const server = await start(t);
    const { token } = await server.newcomer("a@example.com");
    const [live, other] = [await server.connect(token), await server.connect(token)];
    live.socket.send("x".repeat(1 << 20));
    assert.match(await ended(live), /^1009/);
    assert.equal(other.socket.readyState, 1);
  });
});

/** A stream of server-sent events; `next` answers what the next one says, and nothing at the end. */
async function events(server, path, headers) {
  const sent = request(`${server.origin}${path}`, { headers, agent: false }).end();
  const response = await new Promise((resolve, reject) => sent.on("response", resolve).on("error", reject));
  assert.equal(response.statusCode, 200);
  sent.on("error", () => undefined);
  const chunks = response[Symbol.asyncIterator]();
  let text = "";
  const next = async () => {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const data = text
          .slice(0, end)
          .split("\n")
          .find((line) => line.startsWith("data:"));
        text = text.slice(end + 2);
        if (data !== undefined) return JSON.parse(data.slice(5));
        continue;
      }
      const { value, done } = await chunks.next();
      if (done) return undefined;
      text += value;
    }
  };
  return { response, request: sent, next };
}
