// Compiles `js/` into `dist/`: ESM by tsc, CommonJS from that by esbuild, file by file, so that each flavour shares its modules.
// The kernel (`js/kernel/`) is put there before by `cargo xtask build`.

import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { embed } from "./embed.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const esm = join(root, "dist", "esm");
const cjs = join(root, "dist", "cjs");

await rm(join(root, "dist"), { recursive: true, force: true });
await embed();
const tsc = spawnSync(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", root], { stdio: "inherit" });
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

for (const file of await readdir(esm, { recursive: true, withFileTypes: true })) {
  if (!file.isFile()) continue;
  const from = join(file.parentPath, file.name);
  const to = join(cjs, relative(esm, from));
  await mkdir(dirname(to), { recursive: true });
  if (!from.endsWith(".js")) {
    await cp(from, to);
    continue;
  }
  const { code } = await transform(await readFile(from, "utf8"), { format: "cjs", target: "es2022", loader: "js" });
  await writeFile(to, code);
}
await writeFile(join(cjs, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);
