// Live connections in workerd, the runtime of Cloudflare Workers, through miniflare.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { bearer, dial, get } from "./http.mjs";
import { until } from "./service.mjs";

let worker;
let host;

before(async () => {
  const wasm = [];
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("runtimes/worker.mjs", import.meta.url))],
    bundle: true,
    format: "esm",
    write: false,
    conditions: ["workerd", "worker"],
    plugins: [
      {
        name: "wasm",
        setup(build) {
          build.onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => {
            wasm.push(fileURLToPath(new URL(path, `file://${resolveDir}/`)));
            return { path: "./kernel.wasm", external: true };
          });
        },
      },
    ],
  });
  worker = new Miniflare({
    modules: [
      { type: "ESModule", path: "worker.mjs", contents: outputFiles[0].text },
      { type: "CompiledWasm", path: "kernel.wasm", contents: await readFile(wasm[0]) },
    ],
    compatibilityDate: "2026-04-01",
  });
  ({ host } = await worker.ready);
});
after(() => worker?.dispose());

const post = async (path, body) => {
  const text = await (await fetch(`http://${host}${path}`, { method: "POST", body })).text();
  assert.match(text, /^{/);
  return JSON.parse(text);
};
const state = () => get(`http://${host}/state`);
const url = () => `ws://${host}/live`;

test("a token opens, another request's sign-out closes with 4001, and nothing is acted on from then on", async () => {
  const { token } = await post("/issue");
  const [first, second] = [await dial(url(), { headers: bearer(token) }), await dial(url(), { headers: bearer(token) })];
  await until("they are greeted", () => first.received.length === 1 && second.received.length === 1);
  assert.deepEqual(first.received, ["hello alice"]);
  first.socket.send("before");
  await until("it answers", () => first.received.length === 2);
  const began = performance.now();
  assert.equal((await post("/revoke", token)).revoked, 1);
  first.socket.send("after");
  for (const { closed } of [first, second]) {
    const { code, reason, at } = await closed;
    assert.deepEqual([code, reason], [4001, "revoked"]);
    assert.ok(at - began < 1_500, `${at - began} ms`);
  }
  await until("both are forgotten", async () => (await state()).registered === 0);
  const { heard, ended, problems } = await state();
  assert.deepEqual([heard, ended, problems], [["before"], ["revoked", "revoked"], []]);
});

test("refusals come at the upgrade, with their body", async () => {
  const { token: dead } = await post("/issue");
  await post("/revoke", dead);
  const { token } = await post("/issue");
  for (const [what, options, status, code] of [
    ["nothing", {}, 401, "credential_missing"],
    ["a dead token", { headers: bearer(dead) }, 401, "token_revoked"],
    [
      "a cookie from another origin",
      { headers: { cookie: `authkernel_session=${token}`, origin: "https://evil.example" } },
      403,
      "origin_refused",
    ],
  ]) {
    const refused = await dial(url(), options);
    assert.deepEqual([refused.status, refused.code], [status, code], what);
  }
  const plain = await fetch(`http://${host}/live`, { headers: bearer(token) });
  assert.equal(plain.status, 426);
  assert.deepEqual(await get(`http://${host}/me`).then(({ error }) => error.code), "credential_missing");
  assert.equal((await fetch(`http://${host}/me`, { headers: bearer(token) })).status, 200);
  const { socket } = await dial(url(), { protocols: [`authkernel.bearer.${token}`, "chat"] });
  assert.equal(socket.protocol, "chat");
  socket.close();
  await until("it is forgotten", async () => (await state()).registered === 0);
});

test("an expired token closes its connection, at its deadline", async () => {
  const { token, deadline } = await post("/issue?lifetime=2");
  const { closed } = await dial(url(), { headers: bearer(token) });
  const { code, reason } = await closed;
  const late = Date.now() - deadline * 1000;
  assert.deepEqual([code, reason], [4001, "expired"]);
  assert.ok(late > -100 && late < 1_500, `${late} ms late`);
});

test("a client that does not close is forgotten, and not heard", async () => {
  const { token } = await post("/issue");
  const { socket, received } = await dial(url(), { headers: bearer(token) });
  await until("it is greeted", () => received.length === 1);
  socket.pause();
  const { heard } = await state();
  await post("/revoke", token);
  const chatter = setInterval(() => socket.send("chatter"), 20);
  await until("it is forgotten", async () => (await state()).registered === 0, 3_000);
  clearInterval(chatter);
  assert.deepEqual((await state()).heard, heard);
  socket.terminate();
});

test("a disconnect that went elsewhere is made up for by the connection's own verification", async () => {
  const { token } = await post("/issue");
  const { closed } = await dial(url(), { headers: bearer(token) });
  // The Worker of this test verifies every four seconds.
  await post("/revoke?deaf", token);
  const { code, reason } = await closed;
  assert.deepEqual([code, reason], [4001, "revoked"]);
  await until("it is forgotten", async () => (await state()).registered === 0);
});

test("a stream of events: opens, is refused, and ends at a sign-out, at its deadline, and when its disconnect went elsewhere", async () => {
  const open = async (path) => {
    const issued = await post(path);
    const response = await fetch(`http://${host}/events`, { headers: bearer(issued.token) });
    assert.equal(response.status, 200);
    return { ...issued, text: response.text() };
  };
  const closing = (reason) => `data: hello alice\n\nevent: close\ndata: {"code":4001,"reason":"${reason}"}\n\n`;
  const [revoked, expired, deaf] = [await open("/issue"), await open("/issue?lifetime=2"), await open("/issue")];
  await post("/revoke", revoked.token);
  assert.equal(await revoked.text, closing("revoked"));
  assert.equal((await fetch(`http://${host}/events`, { headers: bearer(revoked.token) })).status, 401);
  await post("/revoke?deaf", deaf.token);
  assert.equal(await expired.text, closing("expired"));
  const late = Date.now() - expired.deadline * 1000;
  assert.ok(late > -100 && late < 1_500, `${late} ms late`);
  assert.equal(await deaf.text, closing("revoked"));
  await until("all are forgotten", async () => (await state()).registered === 0);
  assert.deepEqual((await state()).problems, []);
});
