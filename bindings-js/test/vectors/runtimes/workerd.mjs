// workerd, driven by miniflare: `node runtimes/workerd.mjs data.json folder`. The Worker is bundled into the folder as Cloudflare's own
// tool does it: by esbuild, with the `.wasm` beside it.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Miniflare } from "miniflare";

const [data, folder] = process.argv.slice(2);
await build({
  entryPoints: [fileURLToPath(new URL("worker.mjs", import.meta.url))],
  bundle: true,
  format: "esm",
  target: "es2022",
  conditions: ["workerd", "worker", "browser"],
  loader: { ".wasm": "copy" },
  assetNames: "[name]",
  outdir: folder,
  outExtension: { ".js": ".mjs" },
  logLevel: "warning",
});
const miniflare = new Miniflare({
  rootPath: folder,
  modules: true,
  modulesRules: [
    { type: "ESModule", include: ["**/*.mjs"] },
    { type: "CompiledWasm", include: ["**/*.wasm"] },
  ],
  modulesRoot: folder,
  scriptPath: join(folder, "worker.mjs"),
  compatibilityDate: "2026-01-01",
});
try {
  const response = await miniflare.dispatchFetch("http://worker/", { method: "POST", body: await readFile(data) });
  console.log(await response.text());
} finally {
  await miniflare.dispose();
}
