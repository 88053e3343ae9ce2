// The Worker in workerd (miniflare): issue, authenticate, revoke, and the socket closes with 4001, also after its object has hibernated.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { WebSocket } from "ws";

const PASSWORD = "correct horse battery staple";
const KEYS = {
  keys: [
    { kty: "oct", kid: "k1", alg: "HS256", use: "sig", k: Buffer.from("a secret for tests, which is long enough").toString("base64url") },
  ],
};
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The Worker, bundled as wrangler does it. */
async function start(t) {
  const folder = mkdtempSync(join(tmpdir(), "authkernel-worker-"));
  await build({
    entryPoints: [fileURLToPath(new URL("../src/index.js", import.meta.url))],
    outfile: join(folder, "index.mjs"),
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd"],
    external: ["cloudflare:workers", "node:*"],
    loader: { ".wasm": "copy" },
    logLevel: "warning",
  });
  const worker = new Miniflare({
    modules: true,
    rootPath: folder,
    scriptPath: "index.mjs",
    modulesRoot: folder,
    modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
    compatibilityDate: "2026-04-01",
    compatibilityFlags: ["nodejs_compat"],
    bindings: { KEYS: JSON.stringify(KEYS) },
    durableObjects: { AUTH: { className: "Auth", useSQLite: true } },
  });
  t.after(async () => {
    await worker.dispose();
    rmSync(folder, { recursive: true, force: true });
  });
  const url = await worker.ready;
  const ask = async (method, path, { token, body, headers = {} } = {}) => {
    const all = { ...headers, ...(token && { authorization: `Bearer ${token}` }), ...(body && { "content-type": "application/json" }) };
    // Each on a connection of its own: one that was left open may be closed by workerd just when it is used again.
    const response = await new Promise((resolve, reject) => {
      const sent = request(new URL(path, url), { method, headers: all, agent: false }, resolve);
      sent.on("error", reject).end(body && JSON.stringify(body));
    });
    const parts = [];
    for await (const part of response) parts.push(part);
    return { status: response.statusCode, headers: response.headers, body: JSON.parse(Buffer.concat(parts)) };
  };
  const signIn = async (email) => (await ask("POST", "/api/sign-in", { body: { email, password: PASSWORD } })).body;
  return { url, ask, signIn };
}

const refused = ({ status, body }) => [status, body.error?.code];

/** A connection, or how its upgrade was refused. */
function connect(url, headers) {
  const socket = new WebSocket(new URL("/live", url).href.replace(/^http/, "ws"), { headers });
  const heard = [];
  socket.on("message", (text) => heard.push(JSON.parse(text)));
  // When the close frame comes; the end of the TCP connection may follow later.
  const closed = new Promise((resolve) => {
    const told = (code, reason) => resolve({ code, reason: String(reason), at: performance.now() });
    socket.on("close", told);
    socket.on("upgrade", () => setImmediate(() => socket._receiver?.on("conclude", told)));
  });
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve({ socket, heard, closed }));
    socket.on("error", reject);
    socket.on("unexpected-response", async (_, response) => {
      const parts = [];
      for await (const part of response) parts.push(part);
      resolve({ refused: [response.statusCode, JSON.parse(Buffer.concat(parts)).error.code] });
    });
  });
}

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const until = async (condition) => {
  for (let tries = 0; !condition(); tries++) {
    assert.ok(tries < 500, "it never came");
    await sleep(20);
  }
};

describe("the worker", () => {
  test("signs in, says who one is, and signs out everywhere: sockets close with 4001 and stay away", async (t) => {
    const { url, ask, signIn } = await start(t);
    const body = { email: "Ada@example.com", password: PASSWORD };
    const { subject } = (await ask("POST", "/api/register", { body })).body;
    assert.match(subject, /^user\?id=/);
    assert.deepEqual(refused(await ask("POST", "/api/register", { body })), [409, "email_taken"]);
    await ask("POST", "/api/register", { body: { email: "ben@example.com", password: PASSWORD } });
    const [phone, laptop, ben] = [await signIn("ada@example.com"), await signIn("ada@example.com"), await signIn("ben@example.com")];
    const me = await ask("GET", "/api/me", { token: phone.token });
    assert.deepEqual([me.body.subject, me.body.sid, phone.socket_id], [subject, phone.sid, `users_sessions:${phone.sid}`]);

    const open = [await connect(url, bearer(phone.token)), await connect(url, bearer(laptop.token)), await connect(url, bearer(ben.token))];
    open[0].socket.send("hi");
    await until(() => open[0].heard.length === 2);
    assert.deepEqual(open[0].heard, [
      { type: "hello", sid: phone.sid, socket_id: phone.socket_id },
      { type: "echo", subject, message: "hi" },
    ]);

    const began = performance.now();
    const out = await ask("POST", "/api/sign-out-everywhere", { token: phone.token });
    assert.deepEqual([out.status, out.body], [200, { revoked: 2, disconnected: 2, undelivered: 0 }]);
    const ends = [await open[0].closed, await open[1].closed];
    for (const { code, reason } of ends) assert.deepEqual([code, reason], [4001, "revoked"]);
    t.diagnostic(`closed ${Math.round(Math.max(...ends.map(({ at }) => at)) - began)} ms after the sign-out was asked for`);
    for (const { token } of [phone, laptop]) {
      assert.deepEqual(refused(await ask("GET", "/api/me", { token })), [401, "token_revoked"]);
      assert.deepEqual((await connect(url, bearer(token))).refused, [401, "token_revoked"]);
    }
    assert.equal((await ask("GET", "/api/me", { token: ben.token })).status, 200);
    open[2].socket.send("still here");
    await until(() => open[2].heard.length === 2);
    open[2].socket.terminate();
  });

  test("a socket that hibernates is closed as well", async (t) => {
    const { url, ask, signIn } = await start(t);
    await ask("POST", "/api/register", { body: { email: "ada@example.com", password: PASSWORD } });
    const { token } = await signIn("ada@example.com");
    const live = await connect(url, bearer(token));
    // Idle for longer than workerd keeps an object whose connections may hibernate.
    await sleep(12_500);
    await ask("POST", "/api/sign-out-everywhere", { token });
    const { code, reason } = await live.closed;
    assert.deepEqual([code, reason], [4001, "revoked"]);
  });

  test("who is no good is refused", async (t) => {
    const { url, ask, signIn } = await start(t);
    assert.deepEqual(refused(await ask("GET", "/api/me")), [401, "credential_missing"]);
    assert.deepEqual(refused(await ask("GET", "/api/me", { token: "a.b.c" })), [401, "token_malformed"]);
    assert.deepEqual((await connect(url, {})).refused, [401, "credential_missing"]);
    assert.deepEqual((await connect(url, bearer("a.b.c"))).refused, [401, "token_malformed"]);
    assert.deepEqual(refused(await ask("GET", "/live")), [426, "upgrade_required"]);
    assert.deepEqual(refused(await ask("GET", "/nothing")), [404, "not_found"]);
    const body = { email: "ada@example.com", password: PASSWORD };
    const foreign = { origin: "https://evil.example" };
    assert.deepEqual(refused(await ask("POST", "/api/register", { body, headers: foreign })), [403, "origin_refused"]);
    for (const wrong of [{ email: "ada", password: PASSWORD }, { email: 1, password: 2 }, []]) {
      assert.deepEqual(refused(await ask("POST", "/api/register", { body: wrong })), [400, "body_invalid"]);
    }
    assert.deepEqual(refused(await ask("POST", "/api/register", { body: { ...body, password: "short" } })), [422, "password_weak"]);
    await ask("POST", "/api/register", { body });
    const { token } = await signIn("ada@example.com");
    const cookie = `authkernel_session=${token}`;
    assert.deepEqual((await connect(url, { cookie, ...foreign })).refused, [403, "origin_refused"]);
    const guess = (email) => ask("POST", "/api/sign-in", { body: { email, password: "not the password" } });
    assert.deepEqual(refused(await guess("nobody@example.com")), [401, "credentials_invalid"]);
    for (let n = 0; n < 10; n++) assert.deepEqual(refused(await guess("ada@example.com")), [401, "credentials_invalid"]);
    const limited = await ask("POST", "/api/sign-in", { body });
    assert.deepEqual(refused(limited), [429, "rate_limited"]);
    assert.ok(Number(limited.headers["retry-after"]) > 0);
  });
});
