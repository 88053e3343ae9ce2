// The same cases with `node:sqlite`, in the Node of the npm package "node" where this one has none.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const NODE = here("./node_modules/node/bin/node");
const NAMES = ["agree", "authenticate", "contract", "file", "full-disk", "processes", "shared-with-rust"];
const FILES = NAMES.map((name) => here(`./${name}.test.mjs`));
const MAJOR = Number(process.versions.node.split(".")[0]);

test("node:sqlite does the same", { skip: MAJOR >= 24 && "this Node has node:sqlite itself" }, () => {
  // A test runner that finds this set thinks that it is another's child.
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const run = spawnSync(NODE, ["--no-warnings", "--test", "--test-reporter=tap", ...FILES], { encoding: "utf8", env, maxBuffer: 1 << 28 });
  assert.equal(run.status, 0, run.error?.message ?? run.stdout + run.stderr);
  const passed = run.stdout.match(/^ok \d+ - node:sqlite/gm) ?? [];
  console.log(`${passed.length} cases passed with node:sqlite`);
  assert.ok(passed.length > 20, run.stdout);
});
