// Which credential counts and from where, and what is wrong, too large, too slow or too much.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as tcp } from "node:net";
import { describe, test } from "node:test";
import { PASSWORD, refused, start } from "./lib/server.mjs";

describe("requests", { concurrency: 2 }, () => {
  test("the authorization header alone counts where it is present", async (t) => {
    const server = await start(t);
    const [ada, bob] = [await server.newcomer("a@example.com"), await server.newcomer("b@example.com")];
    const cookie = ["cookie", `x=1; authkernel_session=${bob.token}`];
    const me = (...headers) => server.ask("GET", "/api/me", { headers });
    assert.equal((await me(cookie)).body.subject, bob.subject);
    assert.equal((await me(cookie, ["authorization", `bearer  ${ada.token}`])).body.subject, ada.subject);
    for (const [bad, code] of [
      ["Bearer a.b.c", "token_malformed"],
      ["Bearer", "authorization_invalid"],
      ["Basic dTpw", "authorization_invalid"],
      ["", "authorization_invalid"],
    ]) {
      const answer = await me(cookie, ["authorization", bad]);
      assert.deepEqual([...refused(answer), answer.headers["www-authenticate"]], [401, code, "Bearer"]);
    }
    const twice = [
      ["authorization", `Bearer ${ada.token}`],
      ["authorization", "Bearer a.b.c"],
    ];
    assert.deepEqual(refused(await me(...twice)), [401, "credential_ambiguous"]);
    assert.deepEqual(refused(await me([cookie[0], `${cookie[1]}; authkernel_session=${ada.token}`])), [401, "credential_ambiguous"]);
    assert.deepEqual(refused(await me()), [401, "credential_missing"]);
    const out = await server.ask("DELETE", "/api/session", { headers: [cookie, ["authorization", "Bearer a.b.c"]] });
    assert.deepEqual([out.status, out.body.revoked], [200, 0]);
    assert.equal((await me(cookie)).status, 200);
  });

  test("a cookie is taken from this origin only, and so are sign-in and register", async (t) => {
    const server = await start(t);
    const { token } = await server.newcomer("a@example.com");
    const cookie = ["cookie", `authkernel_session=${token}`];
    const foreign = [
      ["origin", "http://evil.example"],
      ["origin", "null"],
      ["sec-fetch-site", "cross-site"],
      ["sec-fetch-site", "same-site"],
    ];
    for (const [method, path] of [
      ["GET", "/api/me"],
      ["DELETE", "/api/session"],
      ["POST", "/api/socket-ticket"],
      ["GET", "/live/events"],
    ]) {
      for (const header of foreign) {
        assert.deepEqual(
          refused(await server.ask(method, path, { headers: [cookie, header] })),
          [403, "origin_refused"],
          `${path} ${header}`,
        );
      }
    }
    assert.equal((await server.ask("GET", "/api/me", { headers: [cookie, ["origin", server.origin]] })).status, 200);
    // A bearer token is no ambient credential: the origin does not matter.
    assert.equal((await server.ask("GET", "/api/me", { token, headers: [foreign[0]] })).status, 200);
    for (const path of ["/api/sign-in", "/api/register"]) {
      const answer = await server.ask("POST", path, { headers: [foreign[0]], body: { email: "a@example.com", password: PASSWORD } });
      assert.deepEqual([...refused(answer), answer.headers["set-cookie"]], [403, "origin_refused", undefined]);
    }
    const asked = await server.ask("OPTIONS", "/api/me", { headers: [foreign[0], ["access-control-request-method", "GET"]] });
    assert.deepEqual(refused(asked), [405, "method_not_allowed"]);
    assert.ok(!Object.keys(asked.headers).some((name) => name.startsWith("access-control")));
  });

  test("bodies that are no good are refused, and never repeated", async (t) => {
    const server = await start(t);
    const good = JSON.stringify({ email: "b@example.com", password: PASSWORD });
    const post = (raw, type = "application/json") =>
      server.ask("POST", "/api/register", { raw, headers: type === undefined ? [] : [["content-type", type]] });
    for (const body of [
      "",
      "{",
      "null",
      "[]",
      Buffer.from([0xff, 0xfe]),
      Buffer.concat([Buffer.from('{"email":"'), Buffer.from([0xff]), Buffer.from('","password":"x"}')]),
      '{"email":1,"password":"hunter2hunter2"}',
      '{"email":"b@example.com"}',
      '{"email":"b@example.com","email":"c@example.com","password":"long enough"}',
      '{"email":"b@example.com","password":"long enough","more":1}',
      '{"email":"b@example.com","password":"long enough \\ud800"}',
      good + good,
      `\ufeff${good}`,
      `${"[".repeat(8_000)}1${"]".repeat(8_000)}`,
    ]) {
      const answer = await post(body);
      assert.deepEqual(refused(answer), [400, "body_invalid"], String(body).slice(0, 80));
      assert.ok(!answer.text.includes("hunter2"));
    }
    for (const type of [null, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]) {
      const headers = type === null ? [] : [["content-type", type]];
      assert.deepEqual(
        refused(await server.ask("POST", "/api/register", { raw: good, headers })),
        [415, "content_type_invalid"],
        String(type),
      );
    }
    for (const size of [17 * 1024, 1024 * 1024]) assert.deepEqual(refused(await post(" ".repeat(size))), [413, "body_too_large"]);
    assert.equal((await post(good, "Application/JSON; charset=UTF-8")).status, 201);
  });

  test("tokens that are no good are refused", async (t) => {
    const server = await start(t);
    const me = async (token) => refused(await server.ask("GET", "/api/me", { token }));
    assert.deepEqual(await me("x".repeat(20_000)), [401, "token_too_large"]);
    for (const bad of ["x", "a.b.c", "..", "a.".repeat(3_000)]) assert.deepEqual(await me(bad), [401, "token_malformed"], bad.slice(0, 20));
    assert.equal((await server.ask("GET", "/api/me", { token: "eyJhbGciOiJub25lIn0.e30." })).status, 401);
    assert.equal((await server.ask("GET", "/api/me", { token: "x".repeat(1024 * 1024) })).status, 431);
  });

  test("unknown routes and methods have an answer, and every answer has its headers", async (t) => {
    const server = await start(t);
    for (const path of [
      "/nothing",
      "/api",
      "/api/nothing",
      "/assets/nothing",
      "/assets/../keys.json",
      "/%FF",
      "/admin/subjects/a/sign-out",
    ]) {
      const method = path.startsWith("/admin") ? "POST" : "GET";
      const answer = await server.ask(method, path);
      assert.equal(answer.status, 404, path);
      assert.equal(answer.body.error.code ?? answer.body.error, "not_found", path);
    }
    for (const [method, path, allow] of [
      ["GET", "/api/sign-in", "POST"],
      ["POST", "/api/session", "DELETE"],
      ["PUT", "/api/me", "GET,HEAD"],
      ["DELETE", "/", "GET,HEAD"],
      ["GET", "/oauth/revoke", "POST"],
    ]) {
      const answer = await server.ask(method, path);
      assert.deepEqual([...refused(answer), answer.headers.allow], [405, "method_not_allowed", allow], path);
    }
    const health = await server.ask("GET", "/healthz");
    assert.deepEqual(health.body, { status: "ok" });
    assert.deepEqual(
      [
        "x-content-type-options",
        "referrer-policy",
        "x-frame-options",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "cache-control",
      ].map((name) => health.headers[name]),
      ["nosniff", "no-referrer", "DENY", "same-origin", "same-origin", "no-store"],
    );
    assert.equal((await server.ask("HEAD", "/healthz")).text, "");
  });

  test("the page and its files are served and guarded", async (t) => {
    const server = await start(t);
    const page = await server.ask("GET", "/");
    assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
    assert.match(page.headers["content-security-policy"], /^default-src 'none'; script-src 'self'/);
    const files = [...page.text.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path);
    assert.ok(files.length >= 2);
    for (const path of [...files, "/assets/api.js"]) {
      const file = await server.ask("GET", path);
      assert.equal(file.status, 200, path);
      const headers = { "if-none-match": file.headers.etag };
      assert.equal((await server.ask("GET", path, { headers })).status, 304);
    }
    assert.equal((await server.ask("GET", "/assets/page.rs")).status, 404);
  });

  test("silence, deafness and slowness end", async (t) => {
    const server = await start(t, { flags: ["--idle-seconds=1", "--request-seconds=1"] });
    for (const head of ["", "GET /healthz HTTP/1.1\r\nhost: x\r\nx-", "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"]) {
      const socket = tcp(server.port, "127.0.0.1").resume();
      socket.write(head);
      await once(socket, "close");
    }
    const deaf = tcp(server.port, "127.0.0.1")
      .pause()
      .on("error", () => undefined);
    const request = "GET /assets/app.js HTTP/1.1\r\nhost: x\r\n\r\n".repeat(64);
    const cut = new Promise((resolve) => deaf.on("close", resolve));
    const flood = () => deaf.destroyed || deaf.write(request, () => setImmediate(flood));
    flood();
    await cut;
    const slow = tcp(server.port, "127.0.0.1");
    const text = [];
    slow.on("data", (part) => text.push(part));
    slow.write("POST /api/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{");
    await once(slow, "close");
    assert.match(Buffer.concat(text).toString(), /^HTTP\/1\.1 408 .*request_timeout/s);
    assert.equal((await server.ask("GET", "/healthz")).status, 200);
  });

  test("one connection too many is told so", async (t) => {
    const server = await start(t, { flags: ["--max-connections=2"] });
    const { token } = await server.newcomer("a@example.com");
    const open = [await server.connect(token), await server.connect(token)];
    const answer = await server.ask("GET", "/healthz");
    assert.deepEqual([...refused(answer), answer.headers["retry-after"]], [503, "overloaded", "1"]);
    open[0].socket.terminate();
    for (let status; status !== 200;) ({ status } = await server.ask("GET", "/healthz"));
  });
});
