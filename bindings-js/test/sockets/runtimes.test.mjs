// Live connections over Hono in Deno and Bun, both really run.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { bearer, dial, get } from "./http.mjs";
import { until } from "./service.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const SERVER = `${here}runtimes/server.mjs`;
const RUNTIMES = {
  deno: ["run", "--allow-net=127.0.0.1", "--no-prompt", "--node-modules-dir=manual", SERVER],
  bun: ["run", SERVER],
};

const children = [];
after(() => children.forEach((child) => child.kill("SIGKILL")));

for (const [name, parameters] of Object.entries(RUNTIMES)) {
  const missing = await unusable(name);
  if (missing) console.log(`SKIPPED: ${name} cannot be run here: ${missing}`);
  test(
    `${name}: opens, refuses at the upgrade, and closes with 4001 at a sign-out`,
    { skip: missing && `SKIPPED: ${name}: ${missing}`, timeout: 60_000 },
    async () => {
      const child = spawn(`${here}node_modules/.bin/${name}`, parameters, { cwd: here, stdio: ["ignore", "pipe", "pipe"] });
      children.push(child);
      let errors = "";
      child.stderr.on("data", (data) => (errors += data));
      const [line] = await Promise.race([
        once(createInterface(child.stdout), "line"),
        once(child, "exit").then(() => assert.fail(`it has ended: ${errors}`)),
      ]);
      const host = `127.0.0.1:${line.match(/listening on (\d+)/)[1]}`;
      const post = async (path, body) => (await fetch(`http://${host}${path}`, { method: "POST", body })).json();
      const state = () => get(`http://${host}/state`);
      const { token } = await post("/issue");
      const { token: dead } = await post("/issue");
      await post("/revoke", dead);

      const answer = await fetch(`http://${host}/me`, { headers: bearer(token) });
      assert.deepEqual(await answer.json(), { subject: "alice" });
      assert.equal((await fetch(`http://${host}/me`, { headers: bearer(dead) })).status, 401);

      const cookie = { cookie: `authkernel_session=${token}` };
      for (const [what, options, status, code] of [
        ["nothing", {}, 401, "credential_missing"],
        ["a dead token", { headers: bearer(dead) }, 401, "token_revoked"],
        ["a cookie from another origin", { headers: { ...cookie, origin: "https://evil.example" } }, 403, "origin_refused"],
      ]) {
        const refused = await dial(`ws://${host}/live`, options);
        assert.deepEqual([refused.status, refused.code], [status, code], what);
      }
      const { socket, received, closed } = await dial(`ws://${host}/live`, { headers: { ...cookie, origin: `http://${host}` } });
      await until("it is greeted", () => received.length === 1);
      assert.deepEqual(received, ["hello alice"]);
      socket.send("before");
      await until("it is heard", async () => (await state()).heard.length === 1);

      const silent = await dial(`ws://${host}/live`, { headers: bearer(token) });
      silent.socket.pause();
      assert.equal((await state()).registered, 2);
      await post("/revoke", token);
      socket.send("after");
      const { code, reason } = await closed;
      assert.deepEqual([code, reason], [4001, "revoked"]);
      await until("both are forgotten, also the one that does not answer", async () => (await state()).registered === 0, 5_000);
      const { heard, revoked } = await state();
      assert.deepEqual([heard, revoked], [["before"], 2]);
      silent.socket.terminate();

      const again = (await post("/issue")).token;
      const events = await fetch(`http://${host}/events`, { headers: bearer(again) });
      assert.equal(events.status, 200);
      await until("it is registered", async () => (await state()).registered === 1);
      await post("/revoke", again);
      assert.equal(await events.text(), 'data: hello alice\n\nevent: close\ndata: {"code":4001,"reason":"revoked"}\n\n');
      assert.equal((await fetch(`http://${host}/events`, { headers: bearer(again) })).status, 401);
      const abort = new AbortController();
      const left = (await post("/issue")).token;
      await fetch(`http://${host}/events`, { headers: bearer(left), signal: abort.signal });
      await until("it is registered", async () => (await state()).registered === 1);
      abort.abort();
      await until("who left is forgotten", async () => (await state()).registered === 0);
      assert.equal(errors, "");
    },
  );
}

/** Why a runtime cannot be run; nothing when it can. */
async function unusable(name) {
  const child = spawn(`${here}node_modules/.bin/${name}`, ["--version"], { stdio: "ignore" });
  const [code] = await Promise.race([once(child, "exit"), once(child, "error")]);
  return code === 0 ? undefined : String(code);
}
