// Bundles the Worker and starts workerd with it.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Miniflare } from "miniflare";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The classes of the Worker; each is bound under its name in capitals. */
const CLASSES = ["Auth", "Swept", "Plain"];

/** A running workerd, which ends with the test. `persist`: a folder that outlives it. */
export async function startWorker(t, { bindings = {}, persist, folder }) {
  await build({
    entryPoints: [join(root, "worker", "index.mjs")],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd"],
    external: ["cloudflare:workers"],
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
    bindings,
    durableObjects: Object.fromEntries(CLASSES.map((className) => [className.toUpperCase(), { className, useSQLite: true }])),
    ...(persist === undefined ? {} : { durableObjectsPersist: persist }),
  });
  let running = true;
  const stop = async () => {
    if (running) await worker.dispose();
    running = false;
  };
  t.after(stop);
  const url = await worker.ready;
  const ask = async (path, body) => {
    const response = await fetch(new URL(path, url), body === undefined ? {} : { method: "POST", body });
    return { status: response.status, text: await response.text() };
  };
  /** Calls the authenticator of a service in the Worker. */
  const call = async (method, args, query = "") => {
    const { status, text } = await ask(`/worker/${method}?${query}`, JSON.stringify(args));
    if (status !== 200) throw new Error(`${method}: ${status} ${text}`);
    return JSON.parse(text);
  };
  const stubOf = async (binding, name = "auth") => {
    const namespace = await worker.getDurableObjectNamespace(binding);
    return namespace.get(namespace.idFromName(name));
  };
  return { worker, url, ask, call, stub: await stubOf("AUTH"), plain: await stubOf("PLAIN"), stubOf, stop };
}
