// A storage that throws, rejects, hangs or answers nonsense: the call is refused with a code, and nothing is taken for "revoked" or "fine".

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthError, StorageError, createAuthenticator, generateKeys } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";

const policy = { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d", opens_sockets: true } } };
const keys = await generateKeys("HS256");
const purposes = ["user"];

/** An authenticator over a memory storage of which one method is another, and a token that is good. */
async function withStorage(different, broadcast) {
  const inner = memoryStorage();
  const { token } = await (await createAuthenticator({ policy, keys, storage: inner })).issue({ subject: "anna", purpose: "user" });
  const storage = { ...inner, sync: false, ...different(inner) };
  return { auth: await createAuthenticator({ policy, keys, storage, broadcast }), token, inner };
}

const codeOf = (promise) => promise.then(() => "accepted", (error) => (assert.ok(error instanceof AuthError, error.stack), error));

test("what is thrown and what is rejected is told apart by its kind", async () => {
  const failures = [
    [new StorageError("unavailable", "gone"), "storage_unavailable"],
    [new StorageError("conflict"), "storage_conflict"],
    [new StorageError("other"), "storage_failed"],
    [new TypeError("a defect"), "storage_failed"],
    ["not even an error", "storage_failed"],
    [undefined, "storage_failed"],
  ];
  for (const [failure, code] of failures) {
    for (const fail of [() => { throw failure; }, () => Promise.reject(failure)]) {
      const { auth, token } = await withStorage(() => ({ find: fail }));
      const error = await codeOf(auth.authenticate(token, { purposes }));
      assert.equal(error.code, code);
      if (failure !== undefined) assert.equal(error.cause, failure);
      assert.doesNotMatch(error.message, /gone|defect/, "what the storage says is for logs");
    }
  }
});

test("nonsense is refused, and the message names the field", async () => {
  const spoiled = [
    [() => undefined, "storage.find"],
    [() => [], "storage.find"],
    [(found) => ({ ...found, epoch: -1 }), "epoch"],
    [(found) => ({ ...found, epoch: 1.5 }), "epoch"],
    [(found) => ({ ...found, cutOffs: undefined }), "cutOffs"],
    [(found) => ({ ...found, cutOffs: [{}] }), "cutOffs[0]"],
    [(found) => ({ ...found, record: 7 }), "record"],
    [(found) => ({ ...found, record: { ...found.record, subject: 7 } }), "record.subject"],
    [(found) => ({ ...found, record: { ...found.record, expiresAt: "soon" } }), "record.expiresAt"],
    [(found) => ({ ...found, record: { ...found.record, status: "alive" } }), "record.status"],
    [(found) => ({ ...found, record: { ...found.record, status: { revoked: {} } } }), "record.status.revoked.at"],
    [(found) => ({ ...found, record: { ...found.record, successors: [1] } }), "record.successors[0]"],
    [(found) => ({ ...found, session: { ...found.session, status: undefined } }), "session.status"],
  ];
  for (const [spoil, part] of spoiled) {
    for (const later of [(value) => value, (value) => Promise.resolve(value)]) {
      const { auth, token } = await withStorage((inner) => ({ find: (query) => later(spoil(inner.find(query))) }));
      const error = await codeOf(auth.authenticate(token, { purposes }));
      assert.equal(error.code, "storage_failed", part);
      assert.ok(error.message.includes(part), `${part}: ${error.message}`);
    }
  }
});

test("too few answers for a batch close nothing and are reported", async () => {
  const { auth, token } = await withStorage(() => ({ findMany: () => [] }));
  const who = await auth.authenticate(token, { purposes });
  const report = await auth.sweep([{ ...who, verifiedAt: who.issuedAt }]);
  assert.deepEqual(report.verdicts, ["unverified"]);
  assert.equal(report.error?.code, "storage_failed");
});

test("a storage that hangs holds up only its own call, and a late answer harms nothing", async () => {
  let release;
  const { auth, token, inner } = await withStorage((inner) => {
    let first = true;
    return {
      find(query) {
        if (!first) return inner.find(query);
        first = false;
        return new Promise((resolve) => (release = () => resolve(inner.find(query))));
      },
    };
  });
  const timeOut = new Promise((resolve) => setTimeout(() => resolve("too late"), 30));
  const hung = auth.authenticate(token, { purposes });
  assert.equal(await Promise.race([hung, timeOut]), "too late");
  assert.equal((await auth.authenticate(token, { purposes })).subject, "anna");
  await auth.signOutEverywhere("anna");
  release();
  // It is decided on what storage says when it says it.
  assert.equal((await codeOf(hung)).code, "token_revoked");
  assert.equal((await codeOf(auth.authenticate(token, { purposes }))).code, "token_revoked");
  assert.ok(inner);
});

test("a promise that settles twice, or never calls back in order, changes nothing", async () => {
  const { auth, token } = await withStorage((inner) => ({
    find: (query) => ({
      // A thenable of its own kind.
      then(resolve, reject) {
        resolve(inner.find(query));
        resolve(undefined);
        reject(new Error("again"));
      },
    }),
  }));
  assert.equal((await auth.authenticate(token, { purposes })).subject, "anna");
  assert.equal((await auth.authenticate(token, { purposes })).subject, "anna");
});

test("a storage that declares sync but answers with a promise is at fault", async () => {
  const inner = memoryStorage();
  const auth = await createAuthenticator({ policy, keys, storage: { ...inner, sync: true, find: async (query) => inner.find(query) } });
  const { token } = await auth.issue({ subject: "anna", purpose: "user" });
  assert.throws(() => auth.authenticateSync(token, { purposes }), { code: "storage_failed" });
  assert.equal((await auth.authenticate(token, { purposes })).subject, "anna");
  const undeclared = await createAuthenticator({ policy, keys, storage: { ...inner, sync: false } });
  assert.throws(() => undeclared.authenticateSync(token, { purposes }), { code: "input_invalid" });
});

test("a storage may ask the same authenticator while it is asked", async () => {
  let auth;
  let depth = 0;
  const inner = memoryStorage();
  const storage = {
    ...inner,
    find(query) {
      if (depth++ === 0) assert.equal(auth.authenticateSync(token, { purposes }).subject, "anna");
      return inner.find(query);
    },
  };
  auth = await createAuthenticator({ policy, keys, storage });
  const { token } = await auth.issue({ subject: "anna", purpose: "user" });
  assert.equal(auth.authenticateSync(token, { purposes }).subject, "anna");
  assert.equal(depth, 2);
});

test("a broker that fails, wholly or in part, is reported and sent to again", async () => {
  for (const publish of [
    () => { throw new Error("no broker"); },
    () => Promise.reject(new Error("no broker")),
    (messages) => messages.map(() => ({ unavailable: "no broker" })),
    () => [],
    () => [7],
    () => "fine",
  ]) {
    const broadcast = { publish };
    const { auth } = await withStorage(() => ({}), broadcast);
    const report = await auth.signOutEverywhere("anna");
    assert.deepEqual([report.revoked, report.disconnected, report.undelivered.length], [1, 0, 1], `${publish}`);
    broadcast.publish = () => undefined;
    assert.equal((await auth.redeliver()).undelivered, 0);
  }
});
