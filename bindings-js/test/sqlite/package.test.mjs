// What holds of the package as a whole: one schema, public names only, types that fit the real libraries, both flavours.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { schemaModule, schemaSource } from "../../scripts/schema.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const require = createRequire(import.meta.url);

test("the schema is the Rust adapter's, to the byte", async () => {
  assert.equal(await readFile(schemaModule, "utf8"), await schemaSource(), "run `node scripts/schema.mjs`");
  const { STEPS } = await import("../../dist/esm/storage/sql/schema.js");
  const sql = await readFile(here("../../../host-wasmtime/migrations/sqlite/001_token_records.sql"), "utf8");
  assert.equal(STEPS[0], sql);
});

for (const flavour of ["node", "worker"]) {
  test(`the types fit the real libraries: ${flavour}`, () => {
    const tsc = require.resolve("typescript/package.json").replace("package.json", "bin/tsc");
    const checked = spawnSync(process.execPath, [tsc, "-p", here(`./types/tsconfig.${flavour}.json`)], { encoding: "utf8" });
    assert.equal(checked.status, 0, checked.stdout);
  });
}

test("both flavours load, and an error of one is known to the other", async () => {
  for (const name of ["memory", "sqlite", "durable-object"]) {
    const [esm, cjs] = [await import(`authkernel/storage/${name}`), require(`authkernel/storage/${name}`)];
    assert.deepEqual(Object.keys(cjs).filter((key) => key !== "default" && key !== "module.exports").sort(), Object.keys(esm).sort());
  }
  const { StorageError } = await import("authkernel");
  const { memoryStorage } = require("authkernel/storage/memory");
  assert.throws(
    () => memoryStorage().insert({ record: { sid: "a" }, session: { sid: "b" } }),
    (error) => error instanceof StorageError && error.kind === "other",
  );
});

test("what is private cannot be imported", async () => {
  for (const path of ["sql/rows", "memory/state", "sqlite/driver", "durable-object/rpc", "common/text"]) {
    await assert.rejects(import(`authkernel/storage/${path}`), { code: "ERR_PACKAGE_PATH_NOT_EXPORTED" });
    await assert.rejects(import(`authkernel/storage/${path}.js`), { code: "ERR_PACKAGE_PATH_NOT_EXPORTED" });
  }
});
