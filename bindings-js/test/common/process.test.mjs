// A program that takes too long is ended with what it has started, and one that cannot be started is no exception.

import assert from "node:assert/strict";
import { test } from "node:test";
import { output } from "./process.mjs";

test("a program past its limit is ended with its children", async () => {
  const began = performance.now();
  const { status, text, problem } = await output("sh", ["-c", "sleep 60 & echo begun; wait"], { seconds: 1 });
  assert.deepEqual([status, text], [1, "begun\n"]);
  assert.match(problem, /not done after 1 s/);
  // The pipe closes only when the grandchild is gone too.
  assert.ok(performance.now() - began < 30_000);
});

test("how it ended, what it printed, what it complained of", async () => {
  assert.deepEqual(await output("sh", ["-c", 'echo "$WORD"; echo b >&2; exit 3'], { environment: { WORD: "a" } }), {
    status: 3,
    text: "a\n",
    problem: "b\n",
  });
  const missing = await output("no-such-program-anywhere", []);
  assert.notEqual(missing.status, 0);
  assert.match(missing.problem, /ENOENT/);
});
