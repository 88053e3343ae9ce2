// The SQLite schema is written once, in `host-wasmtime/migrations/sqlite`: from it comes the module that JavaScript reads. The module is
// committed, so that editors and type checks need no build; `node scripts/schema.mjs` and every build write it anew when it differs.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const migrations = join(root, "..", "host-wasmtime", "migrations", "sqlite");
export const schemaModule = join(root, "js", "storage", "sql", "schema.ts");

/** The module's text, from the numbered .sql files. */
export async function schemaSource() {
  const names = (await readdir(migrations)).filter((name) => /^\d{3}_.*\.sql$/.test(name)).sort();
  const steps = [];
  for (const name of names) {
    const sql = await readFile(join(migrations, name), "utf8");
    steps.push(`  // ${name}\n  \`${sql.replace(/[\\`]|\$\{/g, "\\$&")}\`,\n`);
  }
  return `/** Written by \`scripts/schema.mjs\` from \`host-wasmtime/migrations/sqlite\`: change the files there, and never this one. */

/** Step \`n\` leads to schema version \`n + 1\`. A released step never changes; a change is a new step. */
export const STEPS: readonly string[] = [
${steps.join("")}];
`;
}

/** Writes the module when it differs. */
export async function writeSchema() {
  const source = await schemaSource();
  const there = await readFile(schemaModule, "utf8").catch(() => "");
  if (there !== source) await writeFile(schemaModule, source);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await writeSchema();
