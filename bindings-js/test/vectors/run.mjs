// Every vector in every runtime: `node run.mjs [runtimes]`, with the package built and `npm ci` done. Prints a matrix, and
// `N passed, N failed, N skipped` at its end. A runtime that cannot be had is skipped, loudly.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { output } from "../common/process.mjs";
import { vectorData } from "./data.mjs";
import { runtimes } from "./runtimes.mjs";
import { leftOutLines } from "./suite/index.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const work = join(here, "../../../target/js/vectors");
const seconds = 180;

rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
const data = join(work, "data.json");
writeFileSync(data, JSON.stringify(vectorData()));
// Deno and Bun import it.
writeFileSync(join(here, "runtimes", "data.json"), JSON.stringify(vectorData()));

const wanted = process.argv.slice(2);
const chosen = runtimes.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (chosen.length === 0) throw new Error(`there are only ${runtimes.map(({ name }) => name).join(", ")}`);
const totals = { passed: 0, failed: 0, skipped: 0 };
const rows = [];
const leftOut = new Set();
for (const runtime of chosen) {
  const started = performance.now();
  const counts = await runOn(runtime);
  const took = ((performance.now() - started) / 1000).toFixed(1);
  for (const line of counts.failures.slice(0, 12)) console.log(`FAILED on ${runtime.name}: ${line}`);
  for (const line of leftOutLines(counts.leftOut ?? {})) leftOut.add(line);
  for (const key of Object.keys(totals)) totals[key] += counts[key];
  rows.push([runtime.name, counts.version, counts.passed, counts.failed, counts.skipped, took]);
  console.log(`${runtime.name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped (${took} s)`);
}

console.log(`\n${"runtime".padEnd(12)}${"version".padEnd(18)}${"passed".padStart(8)}${"failed".padStart(8)}${"skipped".padStart(9)}${"seconds".padStart(9)}`);
for (const [name, version, passed, failed, skipped, took] of rows) {
  console.log(`${name.padEnd(12)}${version.padEnd(18)}${String(passed).padStart(8)}${String(failed).padStart(8)}${String(skipped).padStart(9)}${took.padStart(9)}`);
}
console.log("Each vector counts once for each way of calling: over values, over promises, by authenticateSync.");
console.log([...leftOut, ""].join("\n"));
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;

async function runOn({ name, find, command, environment }) {
  const found = find();
  if (found.reason) {
    console.log(`\nSKIPPED: ${name}: ${found.reason}\n`);
    return { passed: 0, failed: 0, skipped: 1, failures: [], version: "skipped" };
  }
  const version = (await output(found.path, ["--version"])).text.match(/\d+([.-]\d+)+/)?.[0] ?? "unknown";
  const folder = join(work, name);
  mkdirSync(folder, { recursive: true });
  const [program, ...given] = command({ path: found.path, data, folder, here });
  const { text, problem } = await output(program, given, { cwd: here, environment: environment?.(found), seconds });
  try {
    return { skipped: 0, ...JSON.parse(text.trim().split("\n").at(-1)), version };
  } catch {
    const why = problem || text || "it said nothing";
    return { passed: 0, failed: 1, skipped: 0, failures: [`no counts came: ${why.slice(-2000)}`], version };
  }
}
