// Runs a bundled Worker in workerd: `node worker.mjs folder`. Of its own because miniflare needs a newer Node than the tests.

import { Miniflare } from "miniflare";
import { join } from "node:path";

const [folder] = process.argv.slice(2);
const miniflare = new Miniflare({
  rootPath: folder,
  modulesRoot: folder,
  modules: true,
  modulesRules: [
    { type: "ESModule", include: ["**/*.mjs"] },
    { type: "CompiledWasm", include: ["**/*.wasm"] },
  ],
  scriptPath: join(folder, "worker.mjs"),
  compatibilityDate: "2026-01-01",
});
try {
  console.log(await (await miniflare.dispatchFetch("http://worker/")).text());
} finally {
  await miniflare.dispose();
}
