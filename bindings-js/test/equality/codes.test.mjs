// One list of codes: the kernel's, WIT's and TypeScript's are equal and in the same order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { kernelCodes, source, witCodes } from "./sources.mjs";
import { TypeScriptShapes } from "./typescript.mjs";

const codes = kernelCodes().map(({ code }) => code);

test("there are codes", () => {
  assert.ok(codes.length >= 49, `${codes.length} codes`);
  assert.equal(new Set(codes).size, codes.length);
});

test("WIT has the kernel's codes, in its order", () => {
  assert.deepEqual(witCodes(), codes);
});

test("TypeScript has the kernel's codes, in its order", () => {
  const [, list] = /export const CODES = \[([^\]]*)\] as const;/.exec(source("bindings-js/js/errors.ts"));
  assert.deepEqual(
    [...list.matchAll(/"(\w+)"/g)].map(([, code]) => code),
    codes,
  );
  assert.equal(new TypeScriptShapes().declared("Code"), codes.map((code) => `'${code}'`).sort().join(" | "));
});

test("TypeScript has the kernel's kinds", () => {
  const kinds = [...new Set(kernelCodes().map(({ kind }) => `'${kind}'`))].sort();
  assert.equal(new TypeScriptShapes().declared("Kind"), kinds.join(" | "));
});
