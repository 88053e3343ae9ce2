// The list of sessions, and signing out one, this one, the others, all.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PASSWORD, refused, start } from "./lib/server.mjs";

const EVERYWHERE = "/api/sign-out-everywhere";
const NOTHING = { revoked: 0, disconnected: 0, undelivered: 0 };
const counts = ({ body: { revoked, disconnected, undelivered } }) => [revoked, disconnected, undelivered];
const ended = async ({ closed }) => {
  const { code, reason } = await closed;
  return `${code} ${reason}`;
};

describe("sessions", { concurrency: 2 }, () => {
  test("they are listed, page by page, with the current one marked", async (t) => {
    const server = await start(t);
    const first = await server.newcomer("a@example.com");
    const second = await server.signIn("a@example.com");
    await server.newcomer("b@example.com");
    await server.connect(second.token);
    const { body } = await server.ask("GET", "/api/sessions", { token: first.token });
    assert.deepEqual(body.next, null);
    const shown = body.sessions.map(({ sid, current, connections, device }) => ({ sid, current, connections, device }));
    const expected = (sid, current, connections) => ({ sid, current, connections, device: "test" });
    assert.deepEqual(new Set(shown.map(JSON.stringify)).size, 2);
    assert.deepEqual(
      shown.find(({ sid }) => sid === first.sid),
      expected(first.sid, true, 0),
    );
    assert.deepEqual(
      shown.find(({ sid }) => sid === second.sid),
      expected(second.sid, false, 1),
    );
    for (const { created_at, last_seen, ends_at } of body.sessions) assert.ok(created_at <= last_seen && last_seen < ends_at);

    const page = await server.ask("GET", "/api/sessions?limit=1", { token: first.token });
    const rest = await server.ask("GET", `/api/sessions?limit=1&after=${page.body.next}`, { token: first.token });
    assert.notEqual(rest.body.sessions[0].sid, page.body.sessions[0].sid);
    const ask = async (query) => refused(await server.ask("GET", `/api/sessions?${query}`, { token: first.token }));
    assert.deepEqual(await ask("after=x"), [422, "cursor_invalid"]);
    for (const query of ["limit=many", "limit=-1", "limit=1&limit=2", "page=2"])
      assert.deepEqual(await ask(query), [400, "query_invalid"], query);
    assert.deepEqual(refused(await server.ask("GET", "/api/sessions")), [401, "credential_missing"]);
  });

  test("one of several is signed out, and foreign and unknown ones are told apart by nothing", async (t) => {
    const server = await start(t);
    const mine = await server.newcomer("a@example.com");
    const other = await server.signIn("a@example.com");
    const stranger = await server.newcomer("b@example.com");
    const live = await server.connect(other.token);
    const end = (sid) => server.ask("DELETE", `/api/sessions/${sid}`, { token: mine.token });
    const answers = [];
    for (const sid of ["aaaaaaaaaaaaaaaaaaaaaaaaaa", stranger.sid, "%00", "%FF", "x".repeat(500)]) answers.push(await end(sid));
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    for (const answer of answers) assert.deepEqual(refused(answer), [404, "session_not_found"]);
    assert.equal((await server.ask("GET", "/api/me", { token: stranger.token })).status, 200);
    const answer = await end(other.sid);
    assert.deepEqual([answer.status, answer.body], [200, { revoked: 1, disconnected: 1, undelivered: 0, current_session: "live" }]);
    assert.equal(await ended(live), "4001 revoked");
    assert.deepEqual(refused(await server.ask("GET", "/api/me", { token: other.token })), [401, "token_revoked"]);
    assert.equal((await server.ask("GET", "/api/me", { token: mine.token })).status, 200);
  });

  test("signing out always succeeds and clears the cookie; a forged token ends nothing", async (t) => {
    const server = await start(t);
    const session = await server.newcomer("a@example.com");
    const out = async (token) => {
      const answer = await server.ask("DELETE", "/api/session", { token });
      assert.equal(answer.status, 200, answer.text);
      assert.match(answer.headers["set-cookie"][0], /^authkernel_session=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax$/);
      return answer;
    };
    const at = session.token.lastIndexOf(".") + 5;
    const forged = session.token.slice(0, at) + (session.token[at] === "A" ? "B" : "A") + session.token.slice(at + 1);
    for (const bad of [forged, "a.b.c", "x", "y".repeat(20_000)]) assert.deepEqual((await out(bad)).body, NOTHING);
    assert.equal((await server.ask("GET", "/api/me", { token: session.token })).status, 200);
    assert.deepEqual(counts(await out(session.token)), [1, 1, 0]);
    assert.deepEqual(refused(await server.ask("GET", "/api/me", { token: session.token })), [401, "token_revoked"]);
    assert.equal((await out(session.token)).body.revoked, 0);
    assert.deepEqual((await out(undefined)).body, NOTHING);
  });

  test("everywhere means everywhere, and others means the others", async (t) => {
    const server = await start(t);
    const stranger = await server.newcomer("b@example.com");
    const mine = await server.newcomer("a@example.com");
    const others = [];
    for (let n = 0; n < 3; n++) {
      const session = await server.signIn("a@example.com");
      others.push({ session, live: await server.connect(session.token) });
    }
    const own = await server.connect(mine.token);
    const all = (body) => server.ask("POST", EVERYWHERE, { token: mine.token, body });
    const preview = await all({ keep_current: true, dry_run: true });
    assert.deepEqual(preview.body, { revoked: 3, disconnected: 3, undelivered: 0 });
    for (const { session } of others) assert.equal((await server.ask("GET", "/api/me", { token: session.token })).status, 200);
    const answer = await all({ keep_current: true });
    assert.deepEqual([counts(answer), answer.body.current_session], [[3, 3, 0], "live"]);
    for (const { session, live } of others) {
      assert.equal(await ended(live), "4001 revoked");
      assert.deepEqual(refused(await server.ask("GET", "/api/me", { token: session.token })), [401, "token_revoked"]);
      assert.deepEqual(await server.refusedUpgrade(session.token), [401, "token_revoked"]);
    }
    const seen = () => own.heard.filter(({ type }) => type === "closed").flatMap(({ sockets }) => sockets);
    await own.until(() => seen().length === 3);
    for (const { reason, after_ms, socket_id, sid } of seen()) {
      assert.ok(reason === "revoked" && after_ms >= 0 && socket_id === `users_sessions:${sid}`, `${reason} ${after_ms}`);
    }
    const last = await all({});
    assert.deepEqual([counts(last), last.body.current_session], [[1, 1, 0], "ended"]);
    assert.equal(await ended(own), "4001 revoked");
    assert.equal((await server.ask("GET", "/api/me", { token: stranger.token })).status, 200);
  });

  test("purposes choose, and unknown ones are refused", async (t) => {
    const server = await start(t);
    const { token } = await server.newcomer("a@example.com");
    const all = (body) => server.ask("POST", EVERYWHERE, { token, body });
    assert.deepEqual(counts(await all({ include_purposes: [] })), [0, 0, 0]);
    assert.deepEqual(counts(await all({ include_purposes: ["user"], exclude_purposes: ["user"] })), [0, 0, 0]);
    assert.deepEqual(refused(await all({ include_purposes: ["usr"] })), [422, "purpose_invalid"]);
    for (const wrong of [
      { keep_curent: true },
      { keep_current: 1 },
      { keep_current: null },
      { include_purposes: "user" },
      { include_purposes: [1] },
    ]) {
      assert.deepEqual(refused(await all(wrong)), [400, "body_invalid"], JSON.stringify(wrong));
    }
    assert.equal((await server.ask("GET", "/api/me", { token })).status, 200);
    assert.deepEqual(counts(await all({ include_purposes: ["user"] })), [1, 1, 0]);
  });

  test("a page that redirects itself is left open but cannot act", async (t) => {
    const server = await start(t);
    const mine = await server.newcomer("a@example.com");
    const other = await server.signIn("a@example.com");
    const [own, its] = [await server.connect(mine.token), await server.connect(other.token)];
    const answer = await server.ask("POST", EVERYWHERE, { token: mine.token, body: { disconnect_self: false } });
    assert.deepEqual([counts(answer), answer.body.current_session], [[2, 1, 0], "ended"]);
    assert.equal(await ended(its), "4001 revoked");
    // Still open: it is told of the other's end.
    assert.equal((await own.until(({ type }) => type === "closed")).sockets[0].sid, other.sid);
    assert.equal(own.socket.readyState, 1);
    assert.deepEqual(refused(await server.ask("GET", "/api/me", { token: mine.token })), [401, "token_revoked"]);
    assert.deepEqual(await server.refusedUpgrade(mine.token), [401, "token_revoked"]);
  });

  test("a cookie whose session ends is cleared", async (t) => {
    const server = await start(t);
    await server.register("a@example.com");
    const { body } = await server.ask("POST", "/api/sign-in", { body: { email: "a@example.com", password: PASSWORD } });
    const headers = { cookie: `authkernel_session=${body.token}` };
    const kept = await server.ask("POST", EVERYWHERE, { headers, body: { keep_current: true } });
    assert.equal(kept.headers["set-cookie"], undefined);
    const answer = await server.ask("POST", EVERYWHERE, { headers, body: {} });
    assert.match(answer.headers["set-cookie"][0], /Max-Age=0/);
  });
});
