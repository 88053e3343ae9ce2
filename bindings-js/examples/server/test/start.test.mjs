// Starting and stopping, what is kept, and what never gets into a log or a file.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect as tcp, createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { DEFAULT_POLICY } from "../src/policy.js";
import { openDatabase } from "../src/database.js";
import { folder, PASSWORD, refused, run, sleep, start } from "./lib/server.mjs";

const RUST = process.env.AUTHKERNEL_BIN ?? fileURLToPath(new URL("../../../../target/debug/authkernel", import.meta.url));

describe("start", { concurrency: 2 }, () => {
  test("what is wrong is named, with its exit code", async (t) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    t.after(() => taken.close());
    const data = folder(t);
    const address = `127.0.0.1:${taken.address().port}`;
    const fail = async (code, said, ...flags) => {
      const ended = await run(["--listen", "127.0.0.1:0", "--data", data, ...flags]);
      assert.deepEqual([ended.code, ended.out], [code, ""], ended.error);
      assert.ok(ended.error.includes(said), ended.error);
      return ended;
    };
    await fail(1, `cannot listen on ${address}`, "--listen", address);
    await fail(2, "--public-url", "--public-url=https://a.example/path");
    await fail(2, "--log", "--log=authkernel=[");
    await fail(2, "--nonsense", "--nonsense");
    await fail(2, "/nonexistent/policy.json", "--policy=/nonexistent/policy.json");
    await fail(2, "/nonexistent/keys.json", "--keys=/nonexistent/keys.json");
    await fail(1, "/nonexistent/audit", "--audit-log=/nonexistent/audit");
    const policy = join(data, "policy.json");
    for (const [from, to, said] of [
      ['"user"', '"usr"', "purposes.user"],
      ['["web"]', '["mobile"]', "endpoints"],
      ['"issuer"', '"isuer"', "isuer"],
    ]) {
      writeFileSync(policy, DEFAULT_POLICY.replace(from, to));
      const { error } = await fail(2, said, "--policy", policy);
      assert.ok(error.includes("policy.json"));
    }
    const keys = join(data, "other.json");
    writeFileSync(keys, JSON.stringify({ keys: [{ kty: "oct", kid: "a", alg: "HS256", k: "c2VjcmV0LXNlY3JldC1zZWNyZXQ" }] }));
    const { error } = await fail(2, "other.json", "--keys", keys);
    assert.ok(!error.includes("c2VjcmV0LXNlY3JldC1zZWNyZXQ"));
    writeFileSync(join(data, "authkernel.db"), "this is no database, whatever its name says it is. ".repeat(50));
    for (const name of ["authkernel.db-wal", "authkernel.db-shm"]) writeFileSync(join(data, name), "");
    await fail(1, "authkernel.db");
  });

  test("two servers do not share a directory", async (t) => {
    const server = await start(t);
    const ended = await run(["--listen", "127.0.0.1:0", "--data", server.data]);
    assert.equal(ended.code, 1);
    assert.match(ended.error, /another authkernel uses it/);
  });

  test("what was kept is there after the process was killed, and a password change that was cut off signs out", async (t) => {
    const first = await start(t);
    const session = await first.newcomer("a@example.com");
    const other = await first.signIn("a@example.com");
    const third = await first.signIn("a@example.com");
    await first.ask("DELETE", "/api/session", { token: other.token });
    await first.stop("SIGKILL");
    const { data } = first;
    assert.equal(statSync(join(data, "keys.json")).mode & 0o777, 0o600);
    // As if the process had ended between the commit of a new password and its sign-out.
    const database = await openDatabase(join(data, "authkernel.db"));
    await sleep(1_100);
    database.run(
      "INSERT INTO intents (subject, trigger, acting_sid, changed_at) VALUES (?, 'password', ?, ?)",
      session.subject,
      session.sid,
      Math.floor(Date.now() / 1000),
    );
    database.close();
    const server = await start(t, { data });
    const me = async ({ token }) => refused(await server.ask("GET", "/api/me", { token }));
    assert.deepEqual(await me(session), [200, undefined]);
    assert.deepEqual(
      [await me(other), await me(third)],
      [
        [401, "token_revoked"],
        [401, "token_revoked"],
      ],
    );
    assert.match(server.log, /"action":"intent".*"outcome":"done".*"revoked":1/);
    await server.signIn("a@example.com");
    await server.stop();
    // It is done once.
    const again = await start(t, { data });
    assert.ok(!again.log.includes('"action":"intent"'));
  });

  test("the end is in order", async (t) => {
    const server = await start(t);
    const { token } = await server.newcomer("a@example.com");
    const live = await server.connect(token);
    const idle = tcp(server.port, "127.0.0.1").on("error", () => undefined);
    await once(idle, "connect");
    // A request that is under way: its head is there, its body comes after the signal.
    const body = JSON.stringify({ email: "b@example.com", password: PASSWORD });
    const busy = tcp(server.port, "127.0.0.1");
    busy.write(
      `POST /api/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    assert.equal(String((await once(busy, "data"))[0]), "HTTP/1.1 100 Continue\r\n\r\n");
    const stopped = server.stop();
    assert.equal((await live.closed).code, 1001);
    const answer = once(busy, "data");
    busy.write(body);
    assert.match(String((await answer)[0]), /^HTTP\/1\.1 201/);
    assert.equal(await stopped, 0, server.log);
    assert.match(server.out, /^authkernel is ready on [^\n]+$/, "one line, and nothing after it");
  });

  test("logs and files hold no secret", async (t) => {
    const data = folder(t);
    const audit = join(data, "audit.log");
    const server = await start(t, { data, flags: ["--log-format=json"], env: { AUTHKERNEL_AUDIT_LOG: audit, AUTHKERNEL_LOG: "trace" } });
    const email = "somebody.secret@example.com";
    const session = await server.newcomer(email);
    const { token } = session;
    const other = await server.signIn(email);
    const { ticket } = (await server.ask("POST", "/api/socket-ticket", { token })).body;
    await server.connect(undefined, { path: `/live?ticket=${ticket}` });
    await server.refusedUpgrade(undefined, { path: `/live?ticket=${ticket}` });
    await server.refusedUpgrade(undefined, { path: `/live?token=${token}` });
    await server.connect(undefined, { headers: { cookie: `authkernel_session=${token}` } });
    for (const path of [`/api/me?token=${token}`, `/${token}`, `/api/sessions/${token}`]) await server.ask("GET", path, { token });
    await server.ask("GET", "/api/me", { token: `${token}x` });
    const wrong = "a wrong secret password";
    await server.ask("POST", "/api/sign-in", { body: { email, password: wrong } });
    await server.ask("POST", "/api/sign-in", { body: { email, password: [wrong] } });
    await server.ask("DELETE", "/api/sessions/aaaaaaaaaaaaaaaaaaaaaaaaaa", { token });
    const changed = "another secret password";
    assert.equal((await server.ask("POST", "/api/password", { token, body: { current: PASSWORD, new: changed } })).status, 200);
    await server.ask("DELETE", "/api/session", { token });
    assert.equal(await server.stop(), 0);

    const [key] = JSON.parse(readFileSync(join(data, "keys.json"))).keys;
    const parts = [token, other.token].flatMap((one) => one.split(".").slice(1));
    const secrets = [PASSWORD, changed, wrong, email, ticket, key.d, ...parts];
    const written = readFileSync(audit, "utf8");
    for (const secret of secrets) {
      assert.ok(!server.log.includes(secret), `the log has ${secret}`);
      assert.ok(!written.includes(secret), `the audit log has ${secret}`);
    }
    // What was logged is there, so that this test can fail.
    assert.match(server.log, /"route":"\/api\/password"/);
    const kept = readFileSync(join(data, "authkernel.db"));
    for (const secret of secrets.filter((one) => one !== email)) assert.ok(!kept.includes(secret), `the database has ${secret}`);
    const events = written
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const of = (action, outcome) => events.find((event) => event.action === action && event.outcome === outcome);
    assert.equal(of("register", "done").subject, session.subject);
    assert.equal(of("sign_in", "done").address, "127.0.0.1");
    assert.equal(of("sign_in", "refused").code, "credentials_invalid");
    assert.deepEqual([of("password", "done").actor_sid, of("password", "done").revoked], [session.sid, 1]);
    assert.equal(of("sign_out_session", "refused").code, "session_not_found");
    assert.equal(of("sign_out", "done").selector, "this");
    assert.equal(statSync(audit).mode & 0o777, 0o600);
  });

  test("keys are changed while it runs: rotated, refused, revoked", async (t) => {
    const server = await start(t);
    const file = join(server.data, "keys.json");
    const old = await server.newcomer("a@example.com");
    const live = await server.connect(old.token);
    const [first] = JSON.parse(readFileSync(file)).keys;
    const other = await start(t);
    const [second] = JSON.parse(readFileSync(join(other.data, "keys.json"))).keys;
    const shown = async () => (await server.ask("GET", "/.well-known/jwks.json")).body.keys.map(({ kid }) => kid);
    const until = async (what, condition) => {
      for (let tries = 0; !(await condition()); tries++) {
        assert.ok(tries < 100, what);
        await sleep(50);
      }
    };
    const write = (...keys) => writeFileSync(file, JSON.stringify({ keys }));
    // A set that has lost a key is not taken.
    write(second);
    await until("it is said", () => server.log.includes("is not there any more"));
    assert.deepEqual(await shown(), [first.kid]);
    write({ ...first, status: "retired" }, second);
    await until("the new key is shown", async () => (await shown()).length === 2);
    const young = await server.signIn("a@example.com");
    const kid = ({ token }) => JSON.parse(Buffer.from(token.split(".")[0], "base64url")).kid;
    assert.deepEqual([kid(old), kid(young)], [first.kid, second.kid]);
    assert.equal((await server.ask("GET", "/api/me", { token: old.token })).status, 200);
    assert.equal(live.socket.readyState, 1);
    write({ ...first, status: "revoked" }, second);
    const { code, reason } = await live.closed;
    assert.deepEqual([code, reason], [4001, "revoked"]);
    assert.deepEqual(refused(await server.ask("GET", "/api/me", { token: old.token })), [401, "key_revoked"]);
    assert.equal((await server.ask("GET", "/api/me", { token: young.token })).status, 200);
    assert.deepEqual(await shown(), [second.kid]);
  });

  test(
    "either server opens the other's folder",
    { skip: !existsSync(RUST) && `SKIPPED: no Rust server: ${RUST} is not there` },
    async (t) => {
      const data = folder(t);
      const flags = [];
      const node = await start(t, { data });
      const first = await node.newcomer("a@example.com");
      const gone = await node.signIn("a@example.com");
      await node.ask("DELETE", "/api/session", { token: gone.token });
      // Not both at once.
      const both = await start(t, { data, flags, command: [RUST] }).then(
        () => "started",
        ({ message }) => message,
      );
      assert.match(both, /another authkernel uses it/);
      await node.stop();
      const rust = await start(t, { data, flags, command: [RUST] });
      const me = async (server, { token }) => refused(await server.ask("GET", "/api/me", { token }));
      assert.deepEqual(
        [await me(rust, first), await me(rust, gone)],
        [
          [200, undefined],
          [401, "token_revoked"],
        ],
      );
      const second = await rust.signIn("a@example.com");
      const changed = { current: PASSWORD, new: "another password" };
      assert.equal((await rust.ask("POST", "/api/password", { token: second.token, body: changed })).status, 200);
      const born = await rust.newcomer("b@example.com");
      assert.match((await run(["--listen", "127.0.0.1:0", "--data", data])).error, /another authkernel uses it/);
      await rust.stop();
      const back = await start(t, { data });
      assert.deepEqual(
        [await me(back, first), await me(back, second), await me(back, born)],
        [
          [401, "token_revoked"],
          [200, undefined],
          [200, undefined],
        ],
      );
      await back.signIn("a@example.com", { password: "another password" });
      await back.signIn("b@example.com");
      const jwks = (server) => server.ask("GET", "/.well-known/jwks.json").then(({ body }) => body);
      assert.equal((await jwks(back)).keys.length, 1);
    },
  );
});
