// One list of codes: the kernel's, WIT's and TypeScript's are equal and in the same order.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
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

test("errors that TypeScript makes itself have the kernel's kinds", () => {
  const kinds = Object.fromEntries(kernelCodes().map(({ code, kind }) => [code, kind]));
  const folder = new URL("../../js/", import.meta.url);
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".ts"));
  const made = files.flatMap((file) => [...source(`bindings-js/js/${file}`).matchAll(/new AuthError\(\s*"(\w+)",\s*"(\w+)"/g)]);
  assert.ok(made.length > 0, "there are some");
  for (const [text, code, kind] of made) assert.equal(kind, kinds[code], text);
});
