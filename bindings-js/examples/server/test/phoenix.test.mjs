// The Phoenix channel protocol as it is on the wire; the clients of Phoenix themselves are in tests/clients.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { start } from "./lib/server.mjs";

const PATH = "/socket/websocket";

describe("the phoenix protocol", { concurrency: 2 }, () => {
  test("rooms are joined and left, in both versions", async (t) => {
    const server = await start(t);
    const { token } = await server.newcomer("a@example.com");
    const two = await server.connect(token, { path: `${PATH}?vsn=2.0.0&anything=else` });
    const ask = async (live, message, fits) => {
      const heard = live.heard.length;
      live.socket.send(JSON.stringify(message));
      return live.until((answer) => live.heard.indexOf(answer) >= heard && fits(answer));
    };
    const ok = { status: "ok", response: {} };
    const error = (reason) => ({ status: "error", response: { reason } });
    for (const [message, payload] of [
      [[null, "1", "phoenix", "heartbeat", {}], ok],
      [["2", "2", "other:a", "phx_join", {}], error("unmatched topic")],
      [["2", "3", "room:", "phx_join", {}], error("unmatched topic")],
      [["2", "4", `room:${"a".repeat(200)}`, "phx_join", {}], error("unmatched topic")],
      [["2", "5", "room:a", "say", {}], error("unmatched topic")],
      [["2", "6", "room:a", "phx_join", {}], ok],
      [["2", "7", "room:a", "say", {}], error("unknown event")],
      [["2", "8", "room:a", "phx_leave", {}], ok],
      [["2", "9", "room:a", "say", {}], error("unmatched topic")],
    ]) {
      const [joinRef, ref, topic] = message;
      assert.deepEqual(await ask(two, message, (answer) => answer[1] === ref), [joinRef, ref, topic, "phx_reply", payload]);
    }
    for (let room = 0; room < 100; room++) two.socket.send(JSON.stringify(["2", `r${room}`, `room:${room}`, "phx_join", {}]));
    const full = await ask(two, ["2", "last", "room:more", "phx_join", {}], (answer) => answer[1] === "last");
    assert.deepEqual(full[4], error("too many rooms"));

    const one = await server.connect(token, { path: PATH });
    const join = { topic: "room:a", event: "phx_join", payload: {}, ref: "7" };
    const expected = { topic: "room:a", event: "phx_reply", payload: ok, ref: "7" };
    assert.deepEqual(await ask(one, join, (answer) => answer.ref === "7"), expected);
    for (const { socket } of [one, two]) socket.terminate();
  });

  test("a sign-out disconnects with 1001, and the upgrade is refused from then on, however the token comes", async (t) => {
    const server = await start(t);
    const { token } = await server.newcomer("a@example.com");
    const protocol = (text) => ({ "sec-websocket-protocol": text });
    const encoded = Buffer.from(token).toString("base64url");
    const ways = {
      header: [token, { path: PATH }],
      parameter: [undefined, { path: `${PATH}?vsn=1.0.0&token=${token}` }],
      subprotocol: [undefined, { path: PATH, headers: protocol(`base64url.bearer.phx.${encoded}`) }],
    };
    const open = await Promise.all([server.connect(...ways.header), server.connect(...ways.parameter)]);
    await server.ask("DELETE", "/api/session", { token });
    for (const { closed } of open) {
      const { code, reason } = await closed;
      assert.deepEqual([code, reason], [1001, "revoked"]);
    }
    for (const [way, given] of Object.entries(ways)) assert.deepEqual(await server.refusedUpgrade(...given), [401, "token_revoked"], way);
    assert.ok(!server.log.includes(token), "the token is in the log");
  });

  test("what is no message ends the connection", async (t) => {
    const server = await start(t);
    const { token } = await server.newcomer("a@example.com");
    const texts = ["", "{}", "[]", "[1,2,3,4,5]", '[null,"1","a","b"]', '[{},"1","a","b",{}]', "null"];
    for (const text of texts) {
      const live = await server.connect(token, { path: `${PATH}?vsn=2.0.0` });
      live.socket.send(text);
      assert.equal((await live.closed).code, 1007, text);
    }
    const binary = await server.connect(token, { path: PATH });
    binary.socket.send(Buffer.from("{}"));
    assert.equal((await binary.closed).code, 1003);
  });

  test("refusals", async (t) => {
    const server = await start(t);
    const { token } = await server.newcomer("a@example.com");
    const encoded = Buffer.from(token).toString("base64url");
    const offered = (text) => ({ path: PATH, headers: { "sec-websocket-protocol": text } });
    const twice = offered(`base64url.bearer.phx.${encoded}, base64url.bearer.phx.${encoded}`);
    for (const [what, given, expected] of [
      ["nothing", [undefined, { path: PATH }], [401, "credential_missing"]],
      ["a cookie", [undefined, { path: PATH, headers: { cookie: `authkernel_session=${token}` } }], [401, "credential_missing"]],
      ["another version", [token, { path: `${PATH}?vsn=3.0.0` }], [400, "query_invalid"]],
      ["two versions", [token, { path: `${PATH}?vsn=1.0.0&vsn=1.0.0` }], [400, "query_invalid"]],
      ["two tokens", [undefined, { path: `${PATH}?token=${token}&token=${token}` }], [400, "query_invalid"]],
      ["two subprotocols", [undefined, twice], [401, "credential_ambiguous"]],
      ["an unreadable subprotocol", [undefined, offered("base64url.bearer.phx.!")], [401, "credential_ambiguous"]],
      ["a bad header beside a good parameter", ["nonsense", { path: `${PATH}?token=${token}` }], [401, "token_malformed"]],
    ]) {
      assert.deepEqual(await server.refusedUpgrade(...given), expected, what);
    }
    const { status, body } = await server.ask("GET", PATH, { token });
    assert.deepEqual([status, body.error.code], [426, "upgrade_required"]);
  });
});
