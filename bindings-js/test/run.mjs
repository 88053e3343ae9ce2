// Every test of the JavaScript package: `node run.mjs [folders]`, with the package built. Installs what a folder's lockfile says when it
// is not there, runs `npm test` in it for so long at most, and adds up: `N passed, N failed, N skipped` at the end.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { output } from "./common/process.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..", "..");
const seconds = 420;

const folders = [
  ...readdirSync(here)
    .sort()
    .map((name) => join(here, name)),
  join(here, "..", "packaging"),
  join(here, "..", "examples", "server"),
  join(here, "..", "examples", "worker"),
  join(root, "tests", "hosts", "jco"),
].filter((folder) => existsSync(join(folder, "package.json")));

/** What a program says of its tests at its end: our own line, or that of Node's test runner. */
function counted(text) {
  const own = [...text.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1);
  if (own) return own.slice(1).map(Number);
  const node = ["pass", "fail", "skipped"].map((word) => new RegExp(`^(?:#|ℹ) ${word} (\\d+)$`, "m").exec(text)?.[1]);
  return node.every((count) => count !== undefined) ? node.map(Number) : undefined;
}

function isOutdated(folder) {
  const modified = (name) => (existsSync(join(folder, name)) ? statSync(join(folder, name)).mtimeMs : 0);
  return modified("package-lock.json") > modified("node_modules/.package-lock.json");
}

async function test(folder) {
  if (isOutdated(folder)) {
    const { status, problem } = await output("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder, seconds: 300 });
    if (status !== 0) return { problem: `npm ci: ${problem.slice(-2000)}`, text: "" };
  }
  const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const [program, ...given] = scripts?.test ? ["npm", "test", "--silent"] : [process.execPath, "--test"];
  return output(program, given, { cwd: folder, seconds });
}

const wanted = process.argv.slice(2);
const totals = [0, 0, 0];
const rows = [];

async function run(name, work) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  console.log(`==> ${name}`);
  const started = performance.now();
  let { status, text, problem } = await work();
  if (status !== 0) {
    // Browsers, brokers and workers of others are started here, on machines that do other things as well: once more, and it is said.
    console.log(`${text}\n${problem}`.replaceAll(/^(?=\d+ passed, )/gm, "    "));
    console.log(`FAILED once: ${name}; running it once more`);
    ({ status, text, problem } = await work());
    if (status === 0) console.log(`${name} FAILED once and passed when it was run again`);
  }
  const counts = counted(text);
  // Who succeeds has little to say but what was skipped and measured.
  console.log(status === 0 && counts ? text.trim().split("\n").filter(isTelling).join("\n") : `${text}\n${problem}`.replaceAll(/^(?=\d+ passed, )/gm, "    "));
  const [passed, failed, skipped] = counts ?? [0, 1, 0];
  const wrong = status === 0 || failed > 0 ? failed : 1;
  [passed, wrong, skipped].forEach((count, index) => (totals[index] += count));
  const took = ((performance.now() - started) / 1000).toFixed(1);
  rows.push(`    ${name.padEnd(12)} ${(wrong === 0 ? "ok" : "FAILED").padEnd(7)} ${took.padStart(7)} s  ${passed} passed, ${wrong} failed, ${skipped} skipped`);
}

/** Lines that are no single test of Node's runner, and no sum: sums are said once, at the end. */
function isTelling(line) {
  if (/^\d+ passed, \d+ failed, \d+ skipped$/.test(line)) return false;
  return !/^(\s*(ok \d|---|\.\.\.|duration_ms|type:|# Subtest|1\.\.)|TAP version|# |\s*[✔ℹ▶])/.test(line) && line.trim() !== "";
}

for (const folder of folders) await run(basename(folder), () => test(folder));
await run("python", () => output("python3", [join(root, "tests", "hosts", "python", "start.py")], { seconds }));

console.log(`\n${rows.join("\n")}`);
console.log(`${totals[0]} passed, ${totals[1]} failed, ${totals[2]} skipped`);
process.exitCode = totals[1] === 0 && rows.length > 0 ? 0 : 1;
