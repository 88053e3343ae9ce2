// Runs the README's Worker in workerd, as its `wrangler.toml` and `.dev.vars` say: `node readme-worker.mjs folder`. Prints what a client is
// told, as JSON: refused without a token, signed in, a live connection, signed out, closed, refused.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Miniflare } from "miniflare";

const [folder] = process.argv.slice(2);
const settings = readFileSync(join(folder, "wrangler.toml"), "utf8");
const setting = (pattern) => pattern.exec(settings)?.[1] ?? "";
const className = setting(/^class_name = "(.*)"$/m);
const keys = readFileSync(join(folder, ".dev.vars"), "utf8").trim();
const miniflare = new Miniflare({
  rootPath: join(folder, "out"),
  modulesRoot: join(folder, "out"),
  modules: true,
  modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
  scriptPath: join(folder, "out", "worker.mjs"),
  compatibilityDate: setting(/^compatibility_date = "(.*)"$/m),
  bindings: { KEYS: keys.slice("KEYS=".length) },
  durableObjects: {
    [setting(/^name = "(.*)"\nclass_name/m)]: { className, useSQLite: setting(/^new_sqlite_classes = \["(.*)"\]$/m) === className },
  },
});
try {
  const ask = async (path, token) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await miniflare.dispatchFetch(`http://worker${path}`, { headers });
    return { status: response.status, body: await response.json() };
  };
  const connect = (token) =>
    miniflare.dispatchFetch("http://worker/live", { headers: { authorization: `Bearer ${token}`, upgrade: "websocket" } });

  const nobody = await ask("/");
  const { token } = (await ask("/sign-in")).body;
  const me = await ask("/", token);
  const opened = await connect(token);
  const { webSocket } = opened;
  if (!webSocket) throw new Error(`no live connection: ${opened.status} ${await opened.text()}`);
  const closed = new Promise((resolve) => webSocket.addEventListener("close", resolve));
  webSocket.accept();
  const out = await ask("/sign-out", token);
  const { code, reason } = await closed;
  const after = await ask("/", token);
  const again = await connect(token);
  console.log(JSON.stringify([nobody.status, me.body.subject, out.body, code, reason, after.status, after.body.error.code, again.status]));
} finally {
  await miniflare.dispose();
}
