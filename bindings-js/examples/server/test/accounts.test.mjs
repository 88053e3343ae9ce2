// Register, sign in, who am I, change password and e-mail address.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PASSWORD, refused, start } from "./lib/server.mjs";

const SIGN_IN = "/api/sign-in";

describe("accounts", { concurrency: 2 }, () => {
  test("a person registers and signs in", async (t) => {
    const server = await start(t);
    const body = { email: " Ada@Example.com ", password: PASSWORD };
    const made = await server.ask("POST", "/api/register", { body });
    assert.equal(made.status, 201);
    assert.match(made.body.subject, /^user\?id=[\w-]{22}$/);
    assert.deepEqual(refused(await server.ask("POST", "/api/register", { body })), [409, "email_taken"]);

    const answer = await server.ask("POST", SIGN_IN, { body: { email: "ADA@example.com", password: PASSWORD, device: "Laptop" } });
    assert.equal(answer.status, 200);
    assert.deepEqual(Object.keys(answer.body), ["token", "jti", "sid", "subject", "socket_id", "expires_at"]);
    const { token, sid, subject, socket_id } = answer.body;
    assert.deepEqual([subject, socket_id], [made.body.subject, `users_sessions:${sid}`]);
    const [cookie] = answer.headers["set-cookie"];
    assert.match(cookie, /^authkernel_session=[\w.-]+; Max-Age=1209\d{3}; Path=\/; HttpOnly; SameSite=Lax$/);
    assert.ok(cookie.includes(token));
    assert.equal(answer.headers["cache-control"], "no-store");
    const quiet = await server.ask("POST", SIGN_IN, { body: { email: "ada@example.com", password: PASSWORD, cookie: false } });
    assert.equal(quiet.headers["set-cookie"], undefined);

    const me = await server.ask("GET", "/api/me", { token });
    const { email, jti, purpose, issued_at, expires_at, deadline, claims } = me.body;
    assert.deepEqual(
      [me.body.subject, email, me.body.sid, jti, purpose, claims],
      [subject, "ada@example.com", sid, answer.body.jti, "user", {}],
    );
    assert.ok(issued_at < expires_at && expires_at < deadline && me.body.socket_id === socket_id);
  });

  test("behind tls the cookie is secure and its name says so", async (t) => {
    const server = await start(t, { flags: ["--public-url", "https://auth.example"] });
    await server.register("a@example.com");
    const answer = await server.ask("POST", SIGN_IN, { body: { email: "a@example.com", password: PASSWORD } });
    const [cookie] = answer.headers["set-cookie"];
    assert.match(cookie, /^__Host-authkernel_session=.*; Secure$/);
    const own = { cookie: cookie.split(";")[0], origin: "https://auth.example" };
    assert.equal((await server.ask("GET", "/api/me", { headers: own })).status, 200);
    const plain = { cookie: own.cookie.replace("__Host-", "") };
    assert.deepEqual(refused(await server.ask("GET", "/api/me", { headers: plain })), [401, "credential_missing"]);
  });

  test("bad accounts and wrong passwords are refused", async (t) => {
    const server = await start(t);
    for (const [email, password, code] of [
      ["nobody", PASSWORD, "email_invalid"],
      ["a@-b.example", PASSWORD, "email_invalid"],
      ["a@example.com", "short", "password_weak"],
      ["a@example.com", "x".repeat(1025), "password_weak"],
      ["long.enough@example.com", "Long.Enough", "password_weak"],
    ]) {
      assert.deepEqual(refused(await server.ask("POST", "/api/register", { body: { email, password } })), [422, code], email);
    }
    await server.register("a@example.com");
    for (const [email, password] of [
      ["a@example.com", "not the password"],
      ["b@example.com", PASSWORD],
      ["not an address", PASSWORD],
      ["a@example.com", "x".repeat(5_000)],
    ]) {
      const answer = await server.ask("POST", SIGN_IN, { body: { email, password } });
      assert.deepEqual(refused(answer), [401, "credentials_invalid"]);
      assert.equal(answer.headers["set-cookie"], undefined);
    }
    const long = { email: "a@example.com", password: PASSWORD, device: "x".repeat(300) };
    assert.deepEqual(refused(await server.ask("POST", SIGN_IN, { body: long })), [422, "input_invalid"]);
  });

  test("tries run out for the account and then for the address", async (t) => {
    const server = await start(t, { flags: ["--tries-per-account=3", "--tries-per-address=8"] });
    await server.register("a@example.com");
    const wrong = (email) => server.ask("POST", SIGN_IN, { body: { email, password: "not the password" } });
    // Good ones are free.
    for (let n = 0; n < 6; n++) await server.signIn("a@example.com");
    for (let n = 0; n < 3; n++) assert.deepEqual(refused(await wrong("a@example.com")), [401, "credentials_invalid"]);
    const limited = await wrong("A@example.com");
    assert.deepEqual(refused(limited), [429, "rate_limited"]);
    const wait = Number(limited.headers["retry-after"]);
    assert.ok(wait >= 1 && wait <= 30, String(wait));
    const right = await server.ask("POST", SIGN_IN, { body: { email: "a@example.com", password: PASSWORD } });
    assert.deepEqual(refused(right), [429, "rate_limited"]);
    const others = [];
    for (const name of "bcdefg") others.push((await wrong(`${name}@example.com`)).status);
    assert.ok(others.includes(401) && others.at(-1) === 429, String(others));
  });

  test("a new password signs out the others and keeps this one", async (t) => {
    const server = await start(t);
    const acting = await server.newcomer("a@example.com");
    const other = await server.signIn("a@example.com");
    const [mine, its] = [await server.connect(acting.token), await server.connect(other.token)];
    const change = (body, token = acting.token) => server.ask("POST", "/api/password", { token, body });
    assert.deepEqual(refused(await change({ current: "wrong password", new: "another password" })), [403, "password_wrong"]);
    assert.deepEqual(refused(await change({ current: PASSWORD, new: "weak" })), [422, "password_weak"]);
    assert.equal((await server.ask("GET", "/api/me", { token: other.token })).status, 200);

    const answer = await change({ current: PASSWORD, new: "another password" });
    assert.deepEqual([answer.status, answer.body], [200, { revoked: 1, disconnected: 1, undelivered: 0, current_session: "live" }]);
    const { code, reason } = await its.closed;
    assert.deepEqual([code, reason], [4001, "revoked"]);
    assert.deepEqual(refused(await server.ask("GET", "/api/me", { token: other.token })), [401, "token_revoked"]);
    const told = await mine.until(({ type }) => type === "closed");
    assert.equal(told.sockets[0].sid, other.sid);
    const old = await server.ask("POST", SIGN_IN, { body: { email: "a@example.com", password: PASSWORD } });
    assert.deepEqual(refused(old), [401, "credentials_invalid"]);
    await server.signIn("a@example.com", { password: "another password" });
  });

  test("a new e-mail address signs out everywhere", async (t) => {
    const server = await start(t);
    await server.register("taken@example.com");
    const acting = await server.newcomer("a@example.com");
    const other = await server.signIn("a@example.com");
    const change = (email, current = PASSWORD) => server.ask("POST", "/api/email", { token: acting.token, body: { current, email } });
    assert.deepEqual(refused(await change("taken@example.com")), [409, "email_taken"]);
    assert.deepEqual(refused(await change("nothing")), [422, "email_invalid"]);
    assert.deepEqual(refused(await change("b@example.com", "wrong password")), [403, "password_wrong"]);
    const answer = await change("b@example.com");
    assert.deepEqual([answer.status, answer.body], [200, { revoked: 2, disconnected: 2, undelivered: 0, current_session: "ended" }]);
    for (const { token } of [acting, other])
      assert.deepEqual(refused(await server.ask("GET", "/api/me", { token })), [401, "token_revoked"]);
    assert.equal((await server.signIn("b@example.com")).subject, acting.subject);
  });

  test("one address goes to one of many", async (t) => {
    const server = await start(t);
    const body = { email: "a@example.com", password: PASSWORD };
    const made = await Promise.all(Array.from({ length: 12 }, () => server.ask("POST", "/api/register", { body })));
    assert.deepEqual(made.map(({ status }) => status).sort(), [201, ...Array(11).fill(409)]);
  });

  test("no sign-in with an old password outlives its change", async (t) => {
    const server = await start(t, { flags: ["--tries-per-account=1000", "--tries-per-address=1000"] });
    let overtaken = 0;
    for (let round = 0; round < 8; round++) {
      const email = `a${round}@example.com`;
      const acting = await server.newcomer(email);
      const signingIn = Array.from({ length: 8 }, () =>
        server.ask("POST", SIGN_IN, { body: { email, password: PASSWORD, cookie: false } }),
      );
      const changing = server.ask("POST", "/api/password", { token: acting.token, body: { current: PASSWORD, new: "another password" } });
      for (const answer of await Promise.all(signingIn)) {
        if (answer.status === 200) {
          overtaken++;
          await changing;
          assert.equal((await server.ask("GET", "/api/me", { token: answer.body.token })).status, 401);
        } else {
          assert.ok(["401 credentials_invalid", "409 sign_in_superseded"].includes(refused(answer).join(" ")), answer.text);
        }
      }
      assert.equal((await changing).status, 200);
      assert.equal((await server.ask("GET", "/api/me", { token: acting.token })).status, 200);
    }
    assert.ok(overtaken > 0, "no sign-in was quick enough to be overtaken");
  });
});
