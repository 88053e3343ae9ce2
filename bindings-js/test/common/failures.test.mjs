// What failed is found in whatever a test program prints; both formats are those of a real run of Node's runner.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { failures, printed, skipped } from "./failures.mjs";
import { output } from "./process.mjs";

const PROGRAM = `
import test, { describe, it } from "node:test";
import assert from "node:assert/strict";
test("at the top", () => assert.deepEqual({ a: 1 }, { a: 2 }));
test("fine", () => {});
test("not here", { skip: "no broker" }, () => {});
describe("group", () => it("inside", () => { throw new Error("first line\\nsecond line"); }));
test("parent", async (t) => { await t.test("child", () => { throw new Error("alone"); }); });
`;

for (const reporter of ["tap", "spec"]) {
  test(`Node's runner, ${reporter}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "authkernel-failures-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, "it.test.mjs"), PROGRAM);
    // A runner within a runner would otherwise report to the outer one.
    const environment = { NODE_TEST_CONTEXT: undefined };
    const { status, text } = await output(process.execPath, ["--test", `--test-reporter=${reporter}`], { cwd: folder, environment });
    assert.equal(status, 1);
    const found = failures(text);
    assert.deepEqual(found.map(({ name }) => name), ["at the top", "inside", "child"], text);
    assert.deepEqual(skipped(text), ["not here: no broker"], text);
    const [top, inside, child] = found.map(({ lines }) => lines.join("\n"));
    assert.match(top, /Expected values to be strictly deep-equal/);
    assert.match(top, /a: 2/);
    assert.match(inside, /first line\nsecond line/);
    assert.match(child, /alone/);
  });
}

test("our own programs", () => {
  const text = `ok     a
FAILED look: fits a phone
       AssertionError: scrolls sideways
           at fits (look.mjs:3:1)
ok     b
FAILED once and passed when it was run again: c
       Error: late
1 passed, 1 failed, 0 skipped
`;
  const found = failures(text);
  assert.deepEqual(found, [
    { name: "look: fits a phone", lines: ["AssertionError: scrolls sideways", "    at fits (look.mjs:3:1)"] },
    { name: "once and passed when it was run again: c", lines: ["Error: late"] },
  ]);
  assert.deepEqual(failures(found.map(printed).join("\n")), found);
  assert.deepEqual(failures("all is well\n"), []);
});
