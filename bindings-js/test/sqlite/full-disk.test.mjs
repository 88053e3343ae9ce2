// File systems that really take no more.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { folder } from "./lib/fixtures.mjs";
import { libraries } from "./lib/libraries.mjs";

const CHILD = fileURLToPath(new URL("./lib/fills-up.mjs", import.meta.url));

/** Runs the child, behind a shell command, and answers what it said. */
function fill(command, file, name) {
  const script = `${command} exec "$0" --no-warnings "$@"`;
  const child = spawnSync("bash", ["-c", script, process.execPath, CHILD, file, name], { encoding: "utf8" });
  assert.equal(child.status, 0, child.stderr);
  return JSON.parse(child.stdout.trim().split("\n").at(-1));
}

function check(said) {
  assert.equal(said.kind, "unavailable", JSON.stringify(said));
  assert.ok(said.stored > 3, "something was stored before");
  assert.equal(said.there, true, "what was answered is there");
  assert.equal(said.half, false, "nothing of the refused call is there");
}

for (const { name } of libraries) {
  test(`${name}: a file that may not grow any more is unavailable`, (t) => {
    check(fill("ulimit -f 500;", join(folder(t), "authkernel.db"), name));
  });

  test(`${name}: a disk without space is unavailable`, (t) => {
    const path = folder(t);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", path], { stdio: "pipe" });
    } catch (error) {
      console.warn("SKIPPED HERE: no small file system can be mounted");
      t.skip(`no small file system can be mounted: ${error.message}`);
      return;
    }
    try {
      const said = fill("", join(path, "authkernel.db"), name);
      check(said);
      assert.match(said.message, /full|disk/);
    } finally {
      execFileSync("umount", [path]);
    }
  });
}
