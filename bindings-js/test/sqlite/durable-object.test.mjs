// The storage in a Durable Object, in workerd.

import assert from "node:assert/strict";
import { test } from "node:test";
import { StorageError } from "authkernel";
import { durableObjectClient } from "authkernel/storage/durable-object";
import { memoryStorage } from "authkernel/storage/memory";
import { folder, joining, NOW, opening, plain, record } from "./lib/fixtures.mjs";
import { randomCalls } from "./lib/random-calls.mjs";
import { startWorker } from "./lib/worker.mjs";

const answerOf = (storage, { method, input }) => {
  try {
    return plain({ answer: storage[method](input) });
  } catch (error) {
    assert.ok(error instanceof StorageError, error.stack);
    return { refused: error.kind, guard: error.guard };
  }
};

test("a durable object answers as memory does", async (t) => {
  const { plain: object } = await startWorker(t, { folder: folder(t) });
  const memory = memoryStorage();
  for (const seed of [11, 12, 13]) {
    const calls = [...randomCalls(seed, 3_000)];
    const answers = await object.calls(calls);
    calls.forEach((call, number) => {
      const { name, message, ...found } = answers[number];
      assert.ok(name === undefined || name === "StorageError", `${name}: ${message}`);
      assert.deepEqual(plain(found), plain(answerOf(memory, call)), `call ${number} of seed ${seed}: ${JSON.stringify(call)}`);
    });
  }
});

test("errors keep their kind over RPC", async (t) => {
  const { stub } = await startWorker(t, { folder: folder(t) });
  const client = durableObjectClient(stub);
  assert.equal(await client.insert(opening(record("anna", "s1", "j1"))), 0);
  await assert.rejects(async () => client.insert(opening(record("anna", "s1", "j2"))), { name: "StorageError", kind: "conflict" });
  const joined = joining(record("anna", "s9", "j2"));
  await assert.rejects(async () => client.insert(joined), { name: "StorageError", kind: "guard_failed", guard: "session" });
  await assert.rejects(async () => client.find({ tenant: "" }), { kind: "other", message: /tenant is never empty/ });
  const replied = await stub.authStorage("constructor", {});
  assert.equal(replied.failed.kind, "other");
  const gone = durableObjectClient({ authStorage: () => Promise.reject(new Error("network connection lost")), authPublish: () => [] });
  await assert.rejects(async () => gone.find({}), { kind: "unavailable" });
});

test("what was stored is there after the object was loaded again", async (t) => {
  const [bundle, persist] = [folder(t), folder(t)];
  const texts = ["a\0b", "ä\u{1f980}\u202e", "'; DROP TABLE records; --", "x".repeat(255)];
  const first = await startWorker(t, { folder: bundle, persist });
  for (const text of texts) await durableObjectClient(first.stub).insert(opening(record(text, text, text, { extraData: text })));
  const farAway = { key: { kid: "k1", at: Number.MAX_SAFE_INTEGER, forgetAt: 2 ** 60 } };
  await durableObjectClient(first.stub).raiseCutOff(farAway);
  await first.stop();
  const second = await startWorker(t, { folder: bundle, persist });
  const client = durableObjectClient(second.stub);
  for (const text of texts) {
    const found = await client.find({ jti: text, sid: text, subject: text, kid: "k1" });
    assert.equal(found.record.extraData, text);
    assert.equal(found.session.subject, text);
    assert.deepEqual(found.cutOffs, [{ key: { kid: "k1", at: Number.MAX_SAFE_INTEGER, forgetAt: Number.MAX_SAFE_INTEGER } }]);
  }
  const versions = JSON.parse((await second.ask("/sql", "SELECT version FROM authkernel_schema")).text);
  assert.deepEqual(versions, [{ version: 1 }]);
  assert.equal((await client.list({ subject: texts[0], at: NOW, withRecord: true, limit: 10 })).sessions.length, 1);
});

test("a newer schema is refused and nothing is changed", async (t) => {
  const [bundle, persist] = [folder(t), folder(t)];
  const first = await startWorker(t, { folder: bundle, persist });
  await durableObjectClient(first.stub).find({});
  await first.ask("/sql", "UPDATE authkernel_schema SET version = 99");
  await first.stop();
  const second = await startWorker(t, { folder: bundle, persist });
  await assert.rejects(async () => durableObjectClient(second.stub).find({}), { kind: "unavailable", message: /schema version 99/ });
});
