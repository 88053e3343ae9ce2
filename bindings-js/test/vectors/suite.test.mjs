// The runner itself: it draws the published numbers, it matches as tests/README.md says, and it finds whatever is wrong.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthError, createAuthenticator, StorageError } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";
import { vectorData } from "./data.mjs";
import { leftOutLines, runVectors, ways } from "./suite/index.mjs";
import { mismatch, resolve } from "./suite/matching.mjs";
import { seededRandom, seedOf } from "./suite/random.mjs";

const library = { createAuthenticator, AuthError, StorageError, memoryStorage };
const data = vectorData();
const vectors = data.files.flatMap((file) => file.vectors).filter((vector) => !vector.needs);

test("the sequence is SplitMix64's, the seed FNV-1a's", () => {
  const bytes = new Uint8Array(16);
  seededRandom(1234567n)(bytes);
  const view = new DataView(bytes.buffer);
  assert.deepEqual([view.getBigUint64(0), view.getBigUint64(8)], [6457827717110365317n, 3203168211198807973n]);
  assert.equal(seedOf("a"), 0xaf63dc4c8601ec8cn);
  const short = new Uint8Array(10);
  seededRandom(1234567n)(short);
  assert.deepEqual(short, bytes.slice(0, 10));
});

test("objects may have more, arrays may not; patterns", () => {
  const fits = (expected, found) => mismatch("it", expected, found) === undefined;
  for (const [expected, found] of [
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ $only: { a: 1 } }, { a: 1 }],
    ["$id", "abcdefghijklmnopqrstuvwxyz"],
    [{ a: "$none" }, {}],
    [{ $not: "$id" }, "x"],
    [{ $has: "ell" }, "hello"],
  ]) {
    assert.ok(fits(expected, found), JSON.stringify([expected, found]));
  }
  for (const [expected, found] of [
    [{ a: 1 }, { b: 2 }],
    [{ a: {} }, { a: null }],
    [[1], [1, 2]],
    [{ $only: { a: 1 } }, { a: 1, b: 2 }],
    [{ $only: {} }, null],
    ["$id", "abcdefghijklmnopqrstuvwxy1"],
    [{ a: "$any" }, { a: null }],
    [{ $not: "x" }, "x"],
    ["$unheard", "hello"],
    [{ constructor: "$any" }, {}],
    [1, true],
  ]) {
    assert.ok(!fits(expected, found), JSON.stringify([expected, found]));
  }
});

test("names stand for values", () => {
  const names = new Map([["a", { b: [{ c: 7 }], t: "x" }]]);
  assert.deepEqual(resolve(["@{a.b.0.c}"], names), [7]);
  assert.equal(resolve("u:@{a.t}:@{a.b.0.c}", names), "u:x:7");
  assert.throws(() => resolve("@{b}", names));
  assert.throws(() => resolve("@{a.x}", names));
});

test("what a build leaves out is told by name, and is neither passed nor failed", async () => {
  const [vector, ...others] = structuredClone(vectors.slice(0, 2));
  others[0].needs = ["unheard"];
  const { passed, failed, leftOut } = await runVectors(library, { ...data, files: [{ vectors: [vector, ...others] }] });
  assert.deepEqual([passed, failed, leftOut], [ways.length, 0, { unheard: [others[0].id] }]);
  assert.deepEqual(leftOutLines(leftOut), [`1 vectors need unheard, which this build leaves out: ${others[0].id}`]);
  assert.deepEqual(leftOutLines({}), []);
});

/** Runs one vector in every way; answers how many of the runs failed. */
async function failures(vector, other = library) {
  const { failed } = await runVectors(other, { ...data, files: [{ vectors: [vector] }] });
  return failed;
}

/** A changed copy of the first vector with a step that fits. */
function changed(fits, change) {
  const vector = vectors.find((it) => it.steps?.some(fits));
  assert.ok(vector, "a vector fits");
  const copy = structuredClone(vector);
  change(copy.steps.find(fits), copy);
  return [vector, copy];
}

const expectations = {
  "another code": [(step) => step.expect.error, (step) => (step.expect.error = "overloaded")],
  "a refusal instead of an answer": [
    (step) => step.expect.ok,
    (step) => {
      delete step.expect.ok;
      step.expect.error = "token_revoked";
    },
  ],
  "another answer": [(step) => step.expect.ok?.subject, (step) => (step.expect.ok.subject = "somebody else")],
  "a message without a text": [(step) => step.expect.error, (step) => (step.expect.message = ["no such text"])],
  "a call less": [(step) => step.expect.calls.length > 0, (step) => step.expect.calls.pop()],
  "a call more": [(step) => step.do !== "configure", (step) => step.expect.calls.push("storage.touch")],
  "other arguments of a call": [
    (step) => step.expect.calls.some((call) => call.call === "storage.find"),
    (step) => (step.expect.calls.find((call) => call.call === "storage.find").with = { jti: "another" }),
  ],
  "a message less": [(step) => step.expect.messages?.length > 0, (step) => step.expect.messages.pop()],
  "a message more": [
    (step) => step.expect.messages?.length > 0,
    (step) => step.expect.messages.push({ kind: "disconnect", endpoint: "web", topic: "t" }),
  ],
  "another claim in the token": [(step) => step.expect.minted?.claims, (step) => (step.expect.minted.claims = { sub: "somebody else" })],
  "no fault": [(step) => step.faults?.[0].call === "random.fill", (step) => delete step.faults],
};

for (const [name, [fits, change]] of Object.entries(expectations)) {
  test(`found: ${name}`, async () => {
    const [right, wrong] = changed(fits, change);
    assert.equal(await failures(right), 0);
    assert.equal(await failures(wrong), ways.length);
  });
}

test("found: a policy that should be refused, and one that should not", async () => {
  const refused = vectors.find((vector) => vector.refused);
  assert.equal(await failures({ ...refused, policy: undefined, keys: undefined }), ways.length);
  assert.equal(await failures({ ...refused, refused: { error: "overloaded" } }), ways.length);
});

test("found: a library that leaks a token, tells no kind, or throws something else", async () => {
  const vector = vectors.find((it) => it.id === "presence-004");
  assert.equal(await failures(vector), 0);
  const broken = (make) => ({
    ...library,
    createAuthenticator: async (options) => {
      const auth = await createAuthenticator(options);
      const fail = (token) => {
        throw make(token);
      };
      return { ...auth, close: () => auth.close(), authenticate: async (token) => fail(token), authenticateSync: fail };
    },
  });
  const right = (message, kind = "denied") => new AuthError("token_revoked", kind, message);
  assert.equal(await failures(vector, broken((token) => right(`the token ${token} was revoked`))), ways.length);
  assert.equal(await failures(vector, broken(() => right("the token was revoked", "internal"))), ways.length);
  assert.equal(await failures(vector, broken(() => new TypeError("no"))), ways.length);
});
