// All storages answer the same to the same calls, whatever comes in whatever order: thousands of random calls over a few names.

import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStorage } from "authkernel/storage/memory";
import { sqliteStorage } from "authkernel/storage/sqlite";
import { plain } from "./lib/fixtures.mjs";
import { libraries } from "./lib/libraries.mjs";
import { randomCalls } from "./lib/random-calls.mjs";

const answerOf = (storage, { method, input }) => {
  try {
    return plain({ answer: storage[method](input) });
  } catch (error) {
    assert.equal(error.name, "StorageError", error.stack);
    return { refused: error.kind, guard: error.guard };
  }
};

for (const { name, open } of libraries) {
  for (const seed of [1, 2, 3, 4, 5]) {
    test(`${name} answers as memory does, seed ${seed}`, () => {
      const storages = [memoryStorage(), sqliteStorage({ database: open(":memory:") })];
      const met = new Map();
      let number = 0;
      for (const call of randomCalls(seed, 4_000)) {
        const [expected, found] = storages.map((storage) => answerOf(storage, call));
        assert.deepEqual(found, expected, `call ${number} of seed ${seed}: ${JSON.stringify(call)}`);
        const what = `${call.method} ${expected.refused ?? expected.answer?.outcome ?? Object.keys(expected.answer ?? {})[0] ?? ""}`;
        met.set(what, (met.get(what) ?? 0) + 1);
        // Notes of use are written with the next write.
        if (call.method === "touch") for (const storage of storages) storage.delivered([{ jti: "nobody's" }]);
        number++;
      }
      // The calls are worth nothing if they do not meet the cases.
      for (const what of [
        "insert conflict",
        "insert guard_failed",
        "revoke revoked",
        "revoke already",
        "revoke tombstoned",
        "revoke not_found",
        "consume won",
        "consume lost",
        "consume conflict",
      ]) {
        assert.ok(met.get(what) > 3, `seed ${seed} hardly met "${what}": ${JSON.stringify([...met])}`);
      }
    });
  }
}
