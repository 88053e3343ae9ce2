// Every vector on the portable component, transpiled by jco and run in Node: `node run.mjs [component]`, with the npm package built, whose
// storage in memory it uses. Prints `N passed, N failed, N skipped`.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transpile } from "@bytecodealliance/jco-transpile";
import { StorageError } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";
import { vectorData } from "../../../bindings-js/test/vectors/data.mjs";
import { leftOutLines, runVectors, ways } from "../../../bindings-js/test/vectors/suite/index.mjs";
import { AuthError, componentLibrary } from "./host.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const component = process.argv[2] ?? join(root, "target/wasm/authkernel.component.wasm");
const out = join(root, "target/js/jco");

rmSync(out, { recursive: true, force: true });
const { files } = await transpile(component, {
  name: "authkernel",
  outDir: out,
  // The imports are handed in, synchronous as WIT has them.
  instantiation: { tag: "sync" },
  noTypescript: true,
  wasiShim: false,
});
for (const [path, content] of Object.entries(files)) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
const { instantiate } = await import(pathToFileURL(join(out, "authkernel.js")).href);
const modules = new Map();
const getCoreModule = (path) => {
  if (!modules.has(path)) modules.set(path, new WebAssembly.Module(readFileSync(join(out, path))));
  return modules.get(path);
};

const createAuthenticator = componentLibrary({ instantiate, getCoreModule, StorageError });
const { kinds, ...data } = vectorData(); // WIT has codes and no kinds.
const counts = await runVectors(
  { createAuthenticator, AuthError, StorageError, memoryStorage },
  // The component calls its imports and waits: a storage that answers promises needs another build of it.
  { ...data, only: ways.filter((way) => !way.later), report: console.log },
);
console.log(`jco in Node ${process.versions.node}: each vector over values, by promise and by authenticateSync`);
for (const line of leftOutLines(counts.leftOut)) console.log(line);
console.log(`${counts.passed} passed, ${counts.failed} failed, 0 skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
