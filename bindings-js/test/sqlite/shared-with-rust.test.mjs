// One file, served by the Rust server and by Node at the same time: each sees at once what the other revokes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sqliteStorage } from "authkernel/storage/sqlite";
import { everything, folder, revocation } from "./lib/fixtures.mjs";
import { libraries } from "./lib/libraries.mjs";

const target = fileURLToPath(new URL("../../../target", import.meta.url));
const built = ["debug", "release"].map((profile) => join(target, profile, "authkernel")).find((path) => existsSync(path));
const server = process.env.AUTHKERNEL_BIN ?? built;
if (server === undefined) console.warn("SKIPPED HERE: the authkernel command is not built: build it, or set AUTHKERNEL_BIN");

/** The Rust server on a free port; answers how to ask it. */
async function serve(t, data) {
  const child = spawn(server, ["serve", "--listen", "127.0.0.1:0", "--data", data], { stdio: ["ignore", "pipe", "pipe"] });
  const errors = [];
  child.stderr.on("data", (text) => errors.push(text));
  t.after(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
  });
  const lines = createInterface({ input: child.stdout });
  const address = await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const found = /http:\/\/[\d.:]+/.exec(line);
      if (found) resolve(found[0]);
    });
    child.once("exit", () => reject(new Error(`the server ended: ${errors.join("")}`)));
  });
  return async (method, path, { token, ...body } = {}) => {
    const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const response = await fetch(address + path, { method, headers, ...(method === "GET" ? {} : { body: JSON.stringify(body) }) });
    return { status: response.status, body: await response.json().catch(() => undefined) };
  };
}

for (const { name, open } of libraries) {
  test(`${name}: Rust and Node share one file`, { skip: server === undefined && "the authkernel command is not built" }, async (t) => {
    const data = folder(t);
    const ask = await serve(t, data);
    const account = { email: "anna@example.com", password: "correct horse battery staple" };
    assert.equal((await ask("POST", "/api/register", account)).status, 201);
    const signIn = async (device) => (await ask("POST", "/api/sign-in", { ...account, device, cookie: false })).body;
    const [phone, laptop, tablet] = [await signIn("phone"), await signIn("laptop"), await signIn("Zoë's tablet 🦀")];

    const database = open(join(data, "authkernel.db"));
    t.after(() => database.close());
    const storage = sqliteStorage({ database });
    const at = Math.floor(Date.now() / 1000);

    // What Rust has written, Node reads.
    const found = storage.find({ jti: phone.jti, sid: phone.sid, subject: phone.subject });
    assert.equal(found.record.status, "live");
    assert.equal(found.record.expiresAt, phone.expires_at);
    assert.equal(found.session.device, "phone");
    const listed = storage.list({ subject: phone.subject, at, withRecord: true, limit: 10 });
    assert.deepEqual(listed.sessions.map(({ device }) => device).sort(), ["Zoë's tablet 🦀", "laptop", "phone"]);

    // What Node revokes, the next look-up of Rust sees, with its reason's code.
    assert.equal((await ask("GET", "/api/me", { token: phone.token })).status, 200);
    assert.equal(storage.revoke(revocation({ session: phone.sid }, { at, due: at })).outcome, "revoked");
    const refused = await ask("GET", "/api/me", { token: phone.token });
    assert.equal(refused.status, 401);
    assert.ok(["token_revoked", "session_ended"].includes(refused.body.error.code), JSON.stringify(refused.body));
    assert.equal((await ask("GET", "/api/me", { token: laptop.token })).status, 200);

    // What Rust revokes, Node sees; counts of both agree.
    const preview = storage.revokeMatching(everything(phone.subject, { at, unexpiredAfter: at, keep: [tablet.sid], dryRun: true }));
    assert.deepEqual([preview.sessions, preview.records, preview.pending, preview.more], [1, 1, [], false]);
    const out = await ask("POST", "/api/sign-out-everywhere", { token: tablet.token, keep_current: true });
    assert.equal(out.status, 200);
    assert.equal(out.body.revoked, 1);
    assert.equal(typeof storage.find({ jti: laptop.jti }).record.status, "object");
    assert.equal(storage.find({ sid: tablet.sid }).session.status, "live");
    assert.equal(storage.find({ subject: phone.subject }).epoch, preview.epoch + 1);

    // Node signs everybody out; Rust knows it and goes on.
    const everybody = storage.revokeMatching(everything(phone.subject, { at, unexpiredAfter: at, cutOffs: "subject", forgetAt: at + 60 }));
    assert.equal(everybody.sessions, 1);
    assert.equal((await ask("GET", "/api/me", { token: tablet.token })).status, 401);
    const again = await signIn("phone");
    assert.equal((await ask("GET", "/api/me", { token: again.token })).status, 200);
    assert.equal(storage.find({ jti: again.jti }).record.epoch, everybody.epoch);
    storage.close();
  });
}
