// Every test of the JavaScript package: `node run.mjs [folders]`, with the package built. Installs what a folder's lockfile says when it
// is not there, runs `npm test` in it for so long at most, and adds up: at its end come the tests that failed, with the first lines of each
// error, and `N passed, N failed, N skipped`.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { failures, printed, skipped as skips } from "./common/failures.mjs";
import { output } from "./common/process.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..", "..");
/** Many times what a folder takes where nothing else runs. */
const seconds = 900;

const example = join(here, "..", "examples", "server");
// The tests of the Rust server's page, and those with clients of others, against the Node server: their cases are run once more one by one.
const onExample = {
  uses: [example],
  again: false,
  environment: { AUTHKERNEL_SERVER_COMMAND: `node ${join(example, "server.js")}` },
};

const folders = [
  ...readdirSync(here)
    .sort()
    .map((name) => join(here, name)),
  join(here, "..", "packaging"),
  example,
  join(here, "..", "examples", "worker"),
  join(root, "tests", "hosts", "jco"),
]
  .filter((folder) => existsSync(join(folder, "package.json")))
  .map((folder) => ({ name: basename(folder), folder }));
for (const name of ["clients", "page"]) folders.push({ name, folder: join(root, "tests", name), ...onExample });

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

async function test({ folder, uses = [], environment }) {
  for (const needed of [...uses, folder].filter(isOutdated)) {
    const { status, problem } = await output("npm", ["ci", "--no-audit", "--no-fund"], { cwd: needed, seconds: 300 });
    if (status !== 0) return { problem: `npm ci: ${problem.slice(-2000)}`, text: "" };
  }
  const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const [program, ...given] = scripts?.test ? ["npm", "test", "--silent"] : [process.execPath, "--test"];
  return output(program, given, { cwd: folder, seconds, environment });
}

const wanted = process.argv.slice(2);
const totals = [0, 0, 0];
const rows = [];
const wrongs = [];
const missing = [];
const shaky = "once and passed when it was run again: ";

async function run(name, work, again = true) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  console.log(`==> ${name}`);
  const started = performance.now();
  let { status, text, problem } = await work();
  if (status !== 0 && again) {
    // Browsers, brokers and workers of others are started here, on machines that do other things as well: once more, and it is said.
    const before = failuresIn(name, text, problem);
    console.log(inside(`${text}\n${problem}`));
    console.log(`    failed: ${name}; running it once more`);
    ({ status, text, problem } = await work());
    if (status === 0) wrongs.push(...before.map((failure) => ({ ...failure, name: `${shaky}${failure.name}` })));
  }
  const counts = counted(text);
  // Who succeeds has little to say but what was skipped and measured.
  console.log(inside(status === 0 && counts ? text.trim().split("\n").filter(isTelling).join("\n") : `${text}\n${problem}`));
  const [passed, failed, skipped] = counts ?? [0, 1, 0];
  missing.push(...skips(text).map((line) => `SKIPPED ${name}: ${line}`));
  const wrong = status === 0 || failed > 0 ? failed : 1;
  wrongs.push(...(wrong > 0 ? failuresIn(name, text, problem) : failures(text).map((failure) => named(name, failure))));
  [passed, wrong, skipped].forEach((count, index) => (totals[index] += count));
  const took = ((performance.now() - started) / 1000).toFixed(1);
  rows.push(`    ${name.padEnd(12)} ${(wrong === 0 ? "ok" : "FAILED").padEnd(7)} ${took.padStart(7)} s  ${passed} passed, ${wrong} failed, ${skipped} skipped`);
}

/** What failed in a folder; where no test says so, its last words. */
function failuresIn(name, text, problem) {
  const found = failures(text);
  if (found.some((failure) => !failure.name.startsWith(shaky))) return found.map((failure) => named(name, failure));
  const last = `${text}\n${problem}`.split("\n").filter((line) => line.trim() !== "");
  return [...found.map((failure) => named(name, failure)), { name: `${name}: it did not come to its end`, lines: last.slice(-12) }];
}

function named(folder, { name, lines }) {
  return { name: name.startsWith(shaky) ? `${shaky}${folder}: ${name.slice(shaky.length)}` : `${folder}: ${name}`, lines };
}

/** Output of a folder: what is counted and what failed is said once, at the end, and is not to be taken for ours before. */
function inside(text) {
  return text.replaceAll(/^(?=\d+ passed, |FAILED )/gm, "    ");
}

/** Lines that are no single test of Node's runner, and no sum: sums are said once, at the end. */
function isTelling(line) {
  if (/^\d+ passed, \d+ failed, \d+ skipped$/.test(line)) return false;
  return !/^(\s*(ok \d|---|\.\.\.|duration_ms|type:|# Subtest|1\.\.)|TAP version|# |\s*[✔ℹ▶])/.test(line) && line.trim() !== "";
}

for (const one of folders) await run(one.name, () => test(one), one.again);
await run("python", () => output("python3", [join(root, "tests", "hosts", "python", "start.py")], { seconds }));

console.log(`\n${rows.join("\n")}`);
for (const line of missing) console.log(line);
for (const wrong of wrongs) console.log(printed(wrong));
console.log(`${totals[0]} passed, ${totals[1]} failed, ${totals[2]} skipped`);
process.exitCode = totals[1] === 0 && rows.length > 0 ? 0 : 1;
