// Texts that the Rust host shares with this package are written once, there: the schema of PostgreSQL in
// `host-wasmtime/migrations/postgres` and the scripts of Redis in `host-wasmtime/scripts/redis`. From them come modules that JavaScript
// reads. Those are committed, so that editors and type checks need no build; `node scripts/embed.mjs` and every build write them anew when
// they differ.

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const host = join(root, "..", "host-wasmtime");

const notice = (from) =>
  `/** Written by \`scripts/embed.mjs\` from \`host-wasmtime/${from}\`: change the files there, and never this one. */\n\n`;
const literal = (text) => `\`${text.replace(/[\\`]|\$\{/g, "\\$&")}\``;

async function filesOf(from, ending) {
  const names = (await readdir(join(host, from))).filter((name) => name.endsWith(ending)).sort();
  return Promise.all(names.map(async (name) => [name, await readFile(join(host, from, name), "utf8")]));
}

/** The numbered steps of a schema. */
async function migrations(from) {
  const steps = (await filesOf(from, ".sql")).map(([name, text]) => `  // ${name}\n  ${literal(text)},\n`);
  return `${notice(from)}/** Step \`n\` leads to schema version \`n + 1\`. A released step never changes; a change is a new step. */
export const STEPS: readonly string[] = [\n${steps.join("")}];\n`;
}

/** Scripts by name, with their SHA-1; a line \`-- include NAME\` stands for `include/NAME.lua`. */
async function scripts(from) {
  const parts = new Map((await filesOf(`${from}/include`, ".lua")).map(([name, text]) => [name.slice(0, -4), text.trimEnd()]));
  const entries = (await filesOf(from, ".lua")).map(([name, text]) => {
    const whole = text.replace(/^-- include (\w+)$/gm, (_, part) => parts.get(part));
    const sha1 = createHash("sha1").update(whole).digest("hex");
    return `  ${name.slice(0, -4)}: {\n    sha1: "${sha1}",\n    text: ${literal(text).replace(/^-- include (\w+)$/gm, "${$1}")},\n  },\n`;
  });
  const constants = [...parts].map(([name, text]) => `const ${name} = ${literal(text)};\n\n`);
  return `${notice(from)}${constants.join("")}/** Each script, and the name by which Redis knows it once it has seen it. */
export const SCRIPTS = {\n${entries.join("")}} as const;\n`;
}

async function write(path, source) {
  const there = await readFile(path, "utf8").catch(() => "");
  if (there !== source) await writeFile(path, source);
}

/** Writes the modules that differ. */
export async function writeEmbedded() {
  await write(join(root, "js/storage/postgres/schema.ts"), await migrations("migrations/postgres"));
  await write(join(root, "js/storage/redis/scripts.ts"), await scripts("scripts/redis"));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await writeEmbedded();
