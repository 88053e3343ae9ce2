// Compiles `js/` into `dist/`: ESM by tsc and, in few files, by esbuild; CommonJS by esbuild, file by file. The modules of each flavour are
// shared among its entries.
// `cargo xtask build` has put the kernel (the module, and the glue that wasm-bindgen made for it) into `target/wasm/js` before.

import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
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

for (const file of await readdir(esm, { recursive: true, withFileTypes: true })) {
  if (!file.isFile()) continue;
  const from = join(file.parentPath, file.name);
  const to = join(cjs, relative(esm, from));
  await mkdir(dirname(to), { recursive: true });
  // Workers have no CommonJS.
  if (file.name.startsWith("workerd.")) continue;
  if (!from.endsWith(".js")) {
    await cp(from, to);
    continue;
  }
  const { code } = await transform(await readFile(from, "utf8"), {
    format: "cjs",
    platform: "node",
    target: "es2022",
    loader: "js",
    logOverride: { "empty-import-meta": "silent" },
  });
  await writeFile(to, code);
}
await writeFile(
  join(cjs, "kernel", "path.js"),
  `exports.kernelPath = () => require("node:path").join(__dirname, "..", "..", "kernel.wasm");\n`,
);
await writeFile(join(cjs, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);

// A runtime loads a few files quicker than many small ones (Node takes nearly a millisecond for each): what entries share is put into chunks,
// and what most applications begin with, the entrypoint and the storage in memory, into as few files as can be. The entries stay where they
// are, and so do the parts that tests and benches look into.
const named = await readdir(esm, { recursive: true });
const modules = named.filter((name) => name.endsWith(".js")).map((name) => name.replaceAll("\\", "/"));
const isEntry = (name) => /^core\.js$|^(entrypoints|storage|broadcast|sockets|middleware|client)\/[\w-]+\.js$|^(sockets\/core\/timers|storage\/sql\/schema)\.js$/.test(name);
const alone = "storage/memory.js";
// The module as code is only loaded where it is needed. The errors are classes: there must be one of each.
const kept = ["kernel/base64.js", "errors.js"];
/** Leaves imports of what is kept as they are, under a name that is made a path once it is known in which file they end up. */
const keep = {
  name: "keep",
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
      const name = relative(esm, join(resolveDir, path)).replaceAll("\\", "/");
      return kept.includes(name) ? { path: `kept:${name}`, external: true, sideEffects: false } : undefined;
    });
  },
};
const pathOf = (name, from) => {
  const path = relative(dirname(from), join(esm, name)).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
};
const bundle = (entries, splitting) =>
  build({
    entryPoints: entries.map((name) => join(esm, name)),
    outdir: esm,
    outbase: esm,
    bundle: true,
    splitting,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    chunkNames: "shared/[name]-[hash]",
    external: ["node:*", "cloudflare:*", "*.wasm"],
    plugins: [keep],
    write: false,
  });
const bundled = [await bundle(modules.filter((name) => isEntry(name) && name !== alone), true), await bundle([alone], false)];
const outputFiles = bundled.flatMap(({ outputFiles }) => outputFiles);
for (const name of modules) if (!kept.includes(name)) await rm(join(esm, name));
for (const { path, text } of outputFiles) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text.replace(/"kept:([\w/.]+)"/g, (_, name) => `"${pathOf(name, path)}"`));
}

// npm packs only what lies in this folder.
for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) await cp(join(root, "..", name), join(root, name));
