// Other services: public keys, introspection, revocation, signing a subject out, metrics.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { newClient } from "../src/oauth/clients.js";
import { folder, refused, start } from "./lib/server.mjs";

/** A server with two clients: one that may ask, and one that may act. */
async function withClients(t, flags = []) {
  const data = folder(t);
  const [asks, acts] = [newClient("asks", ["introspect"]), newClient("acts", ["revoke", "sign-out"])];
  writeFileSync(join(data, "clients.json"), JSON.stringify({ clients: [asks.entry, acts.entry] }));
  const server = await start(t, { data, flags: ["--clients", join(data, "clients.json"), ...flags] });
  const post =
    ({ entry, secret }) =>
    (path, form) =>
      server.ask("POST", path, { raw: form, headers: [basic(entry.id, secret), FORM] });
  return { server, asks: post(asks), acts: post(acts), secrets: { asks: asks.secret, acts: acts.secret } };
}

const FORM = ["content-type", "application/x-www-form-urlencoded"];
const basic = (id, secret) => ["authorization", `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`];
const error = ({ status, body }) => [status, body.error, typeof body.error_description];
const INACTIVE = { active: false };

describe("services", { concurrency: 2 }, () => {
  test("without configured clients the routes are not there", async (t) => {
    const server = await start(t);
    for (const path of ["/oauth/introspect", "/oauth/revoke", "/admin/subjects/a/sign-out"]) {
      const answer = await server.ask("POST", path, { raw: "token=a.b.c", headers: [basic("asks", "x"), FORM] });
      assert.deepEqual(error(answer), [404, "not_found", "string"], path);
    }
  });

  test("introspection says what the kernel decides and nothing else", async (t) => {
    const { server, asks, acts, secrets } = await withClients(t);
    const session = await server.newcomer("a@example.com");
    const said = await asks("/oauth/introspect", `token=${session.token}`);
    const { active, sub, sid, jti, purpose, iss, token_type, iat, exp } = said.body;
    assert.deepEqual(
      [active, sub, sid, jti, purpose, iss, token_type],
      [true, session.subject, session.sid, session.jti, "user", "authkernel", "Bearer"],
    );
    assert.ok(exp > iat && said.headers["cache-control"] === "no-store");
    for (const bad of ["a.b.c", "x", `${session.token}x`, "y".repeat(9_000)]) {
      assert.deepEqual((await asks("/oauth/introspect", `token=${bad}`)).body, INACTIVE);
    }
    assert.deepEqual(error(await acts("/oauth/introspect", `token=${session.token}`)), [403, "unauthorized_client", "string"]);
    const ask = (raw, ...headers) => server.ask("POST", "/oauth/introspect", { raw, headers });
    const wrong = await ask("token=a", basic("asks", secrets.acts), FORM);
    assert.deepEqual(error(wrong), [401, "invalid_client", "string"]);
    assert.match(wrong.headers["www-authenticate"], /^Basic/);
    for (const form of [
      "",
      "token=",
      "token=a&token=b",
      `token=a&client_id=asks&client_secret=${secrets.asks}`,
      "token=a&client_id=acts",
    ]) {
      assert.deepEqual(error(await asks("/oauth/introspect", form)), [400, "invalid_request", "string"], form);
    }
    assert.deepEqual(error(await ask("token=a", basic("asks", secrets.asks))), [400, "invalid_request", "string"]);
    assert.deepEqual(error(await ask("token=a", FORM)), [401, "invalid_client", "string"]);
    const posted = await ask(`token=${session.token}&client_id=asks&client_secret=${secrets.asks}`, FORM);
    assert.equal(posted.body.active, true);
    await server.ask("DELETE", "/api/session", { token: session.token });
    assert.deepEqual((await asks("/oauth/introspect", `token=${session.token}`)).body, INACTIVE);
    for (const secret of [secrets.asks, secrets.acts, session.token]) assert.ok(!server.log.includes(secret), "a secret is in the log");
  });

  test("guessing a secret is limited", async (t) => {
    const { server } = await withClients(t, ["--tries-per-account=3"]);
    const guess = () => server.ask("POST", "/oauth/introspect", { raw: "token=a", headers: [basic("asks", "guess"), FORM] });
    for (let n = 0; n < 3; n++) assert.deepEqual(error(await guess()), [401, "invalid_client", "string"]);
    const limited = await guess();
    assert.deepEqual(error(limited), [429, "slow_down", "string"]);
    assert.ok(Number(limited.headers["retry-after"]) > 0);
  });

  test("revocation ends the session, and a forged token ends nothing", async (t) => {
    const { server, asks, acts } = await withClients(t);
    const { token } = await server.newcomer("a@example.com");
    const live = await server.connect(token);
    const at = token.lastIndexOf(".") + 5;
    const forged = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
    for (const bad of [forged, "x"]) {
      const answer = await acts("/oauth/revoke", `token=${bad}`);
      assert.deepEqual([answer.status, answer.body], [200, {}]);
    }
    assert.equal((await asks("/oauth/introspect", `token=${token}`)).body.active, true);
    assert.deepEqual(error(await asks("/oauth/revoke", `token=${token}`)), [403, "unauthorized_client", "string"]);
    for (let n = 0; n < 2; n++) assert.equal((await acts("/oauth/revoke", `token=${token}&token_type_hint=nonsense`)).status, 200);
    const { code, reason } = await live.closed;
    assert.deepEqual([code, reason], [4001, "revoked"]);
    assert.deepEqual((await asks("/oauth/introspect", `token=${token}`)).body, INACTIVE);
  });

  test("a service signs a subject out", async (t) => {
    const { server, secrets } = await withClients(t);
    const first = await server.newcomer("a@example.com");
    const second = await server.signIn("a@example.com");
    const stranger = await server.newcomer("b@example.com");
    const live = await server.connect(second.token);
    const path = `/admin/subjects/${encodeURIComponent(first.subject)}/sign-out`;
    const send = (body, id = "acts", to = path) => server.ask("POST", to, { body, headers: [basic(id, secrets[id])] });
    const counts = ({ body }) => [body.revoked, body.disconnected, body.undelivered];
    assert.deepEqual(error(await send({}, "asks")), [403, "unauthorized_client", "string"]);
    assert.deepEqual(refused(await send({ kep: [] })), [400, "body_invalid"]);
    assert.deepEqual(refused(await send({ include_purposes: ["nonsense"] })), [422, "purpose_invalid"]);
    assert.deepEqual(refused(await send({}, "acts", "/admin/subjects/%FF/sign-out")), [404, "not_found"]);
    assert.deepEqual(counts(await send({ dry_run: true })), [2, 2, 0]);
    assert.deepEqual(counts(await send({ issued_before: 1 })), [0, 0, 0]);
    const kept = await send({ keep: [first.sid], reason: "stolen" });
    assert.deepEqual(kept.body, { revoked: 1, disconnected: 1, undelivered: 0 });
    assert.equal((await live.closed).code, 4001);
    assert.deepEqual(counts(await send({})), [1, 1, 0]);
    assert.equal((await server.ask("GET", "/api/me", { token: stranger.token })).status, 200);
    assert.match(server.log, /"action":"admin_sign_out","actor":"acts".*"reason":"stolen"/);
  });

  test("the public keys are public, and nothing else of them is", async (t) => {
    const server = await start(t);
    const answer = await server.ask("GET", "/.well-known/jwks.json");
    assert.equal(answer.headers["content-type"], "application/jwk-set+json");
    assert.equal(answer.headers["cache-control"], "public, max-age=300");
    assert.deepEqual(
      answer.body.keys.map((key) => Object.keys(key).sort()),
      [["alg", "crv", "kid", "kty", "use", "x"]],
    );
    const headers = { "if-none-match": `"other", W/${answer.headers.etag}` };
    assert.equal((await server.ask("GET", "/.well-known/jwks.json", { headers })).status, 304);
  });

  test("decisions, calls and connections are counted, and nobody is named", async (t) => {
    const server = await start(t);
    const session = await server.newcomer("a@example.com");
    const live = await server.connect(session.token);
    await server.ask("GET", "/api/me", { token: session.token });
    await server.ask("GET", "/api/sessions/x?secret=1", { token: "a.b.c" });
    await server.ask("DELETE", "/api/session", { token: session.token });
    await live.closed;
    const { text, headers } = await server.ask("GET", "/metrics");
    assert.match(headers["content-type"], /^application\/openmetrics-text/);
    assert.ok(text.endsWith("# EOF\n"));
    for (const line of [
      'authkernel_decisions_total{operation="issue",code="ok"} 1',
      'authkernel_http_requests_total{method="GET",route="/api/me",status="200"} 1',
      'authkernel_http_requests_total{method="GET",route="/live",status="101"} 1',
      "authkernel_sockets_opened_total 1",
      "authkernel_sockets_revoked_total 1",
      "authkernel_undelivered_disconnects 0",
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line} is not in\n${text}`);
    }
    assert.match(text, /authkernel_storage_call_duration_seconds_count\{call="find",outcome="ok"\} \d/);
    for (const secret of [session.sid, session.subject, "127.0.0.1", "example.com", "secret", "/api/sessions/x"])
      assert.ok(!text.includes(secret), secret);
  });
});
