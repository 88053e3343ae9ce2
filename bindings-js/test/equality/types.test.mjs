// The types promise what `types.check.ts` says, in the TypeScript that compiles the package and in the oldest that is supported.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const compilers = { "of this folder": path("node_modules/typescript/bin/tsc"), "of the package": path("../../node_modules/typescript/bin/tsc") };

for (const [name, compiler] of Object.entries(compilers)) {
  test(`types, by the TypeScript ${name}`, { skip: existsSync(compiler) ? false : `run npm ci for the TypeScript ${name}` }, () => {
    const { status, stdout } = spawnSync(process.execPath, [compiler, "-p", path(".")], { encoding: "utf8" });
    assert.equal(status, 0, stdout);
  });
}
