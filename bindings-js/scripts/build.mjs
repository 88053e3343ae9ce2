// Compiles `js/` into `dist/`: ESM by tsc, put into few files by esbuild, and from these CommonJS.
// `cargo xtask build` has put the kernel (the module, and the glue that wasm-bindgen made for it) into `target/wasm/js` before.

import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle, toCommonJs } from "./bundle.mjs";
import { writeEmbedded } from "./embed.mjs";
import { writeSchema } from "./schema.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const kernel = process.env.AUTHKERNEL_JS_KERNEL ?? join(root, "..", "target", "wasm", "js");
const dist = join(root, "dist");
const esm = join(dist, "esm");
const cjs = join(dist, "cjs");

if (!existsSync(join(kernel, "kernel.wasm"))) {
  console.error("the kernel is not there: run `cargo xtask build` first");
  process.exit(1);
}
await writeSchema();
await writeEmbedded();
await rm(dist, { recursive: true, force: true });
await cp(join(kernel, "glue.d.ts"), join(root, "js", "kernel", "glue.d.ts"));
const tsc = spawnSync(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", root], { stdio: "inherit" });
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

// What tsc does not make.
const wasm = await readFile(join(kernel, "kernel.wasm"));
await writeFile(join(dist, "kernel.wasm"), wasm);
await mkdir(join(esm, "kernel"), { recursive: true });
for (const file of await readdir(join(root, "js", "kernel"))) {
  if (file.endsWith(".d.ts")) await cp(join(root, "js", "kernel", file), join(esm, "kernel", file));
}
await cp(join(kernel, "glue.js"), join(esm, "kernel", "glue.js"));
await writeFile(join(esm, "kernel", "path.js"), `export const kernelPath = () => new URL("../../kernel.wasm", import.meta.url);\n`);
await writeFile(
  join(esm, "kernel", "base64.js"),
  `const text = "${wasm.toString("base64")}";
export function kernelBytes() {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
`,
);

await bundle(esm);
await toCommonJs(esm, cjs);

// npm packs only what lies in this folder.
for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) await cp(join(root, "..", name), join(root, name));
