// Puts texts that the Rust host shares with this package (SQL, Lua) into TypeScript modules: they are written once, there.
// What it makes (`js/generated/`) is not kept in the repository.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const host = join(root, "..", "host-wasmtime");
const generated = join(root, "js", "generated");

const header = (from) => `// Made by scripts/embed.mjs from host-wasmtime/${from}. Do not edit.\n\n`;

/** A folder of numbered SQL files: an array of texts, in order. */
async function migrations(from, to) {
  const names = (await readdir(join(host, from))).filter((name) => name.endsWith(".sql")).sort();
  const steps = await Promise.all(names.map((name) => readFile(join(host, from, name), "utf8")));
  const body = `export const migrations: readonly string[] = [\n${steps.map((step) => `  ${JSON.stringify(step)},\n`).join("")}];\n`;
  await writeFile(join(generated, to), header(from) + body);
}

/**
 * A folder of Lua scripts: by name, each with its SHA-1. The first line stays first; `-- include NAME` lines are replaced by
 * `include/NAME.lua`.
 */
async function scripts(from, to) {
  const names = (await readdir(join(host, from))).filter((name) => name.endsWith(".lua")).sort();
  const entries = [];
  for (const name of names) {
    let text = await readFile(join(host, from, name), "utf8");
    for (const [line, part] of text.matchAll(/^-- include (\w+)$/gm)) {
      const included = (await readFile(join(host, from, "include", `${part}.lua`), "utf8")).trimEnd();
      text = text.replace(line, () => included);
    }
    const sha1 = createHash("sha1").update(text).digest("hex");
    entries.push(`  ${name.slice(0, -4)}: { sha1: "${sha1}", text: ${JSON.stringify(text)} },\n`);
  }
  const body = `export const scripts = {\n${entries.join("")}} as const;\n`;
  await writeFile(join(generated, to), header(from) + body);
}

/** Makes all of them. */
export async function embed() {
  await mkdir(generated, { recursive: true });
  await migrations("migrations/postgres", "postgres-migrations.ts");
  await scripts("scripts/redis", "redis-scripts.ts");
}
