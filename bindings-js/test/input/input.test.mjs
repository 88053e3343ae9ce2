// Wrong arguments from untyped JavaScript, and what is asked of an authenticator that was closed: always an `AuthError` with a stable code that
// names the field, always a rejection, never an exception from a promise-returning method.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { AuthError, StorageError, createAuthenticator, generateKeys } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";

const policy = { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d", opens_sockets: true } } };
const keys = await generateKeys("HS256");
const purposes = ["user"];
const make = (options = {}) => createAuthenticator({ policy, keys, storage: memoryStorage(), ...options });

/** Calls, and expects a rejection with this code whose message has this in it. */
async function refused(call, code, part = "") {
  let promise;
  assert.doesNotThrow(() => (promise = call()));
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof AuthError, `${error?.stack}`);
    assert.equal(error.code, code);
    assert.ok(error.message.includes(part), error.message);
    assert.doesNotMatch(error.message, /\.$|^[A-Z]/);
    return true;
  });
}

test("arguments of the wrong type are input_invalid and name the field", async () => {
  const auth = await make();
  const { token } = await auth.issue({ subject: "anna", purpose: "user" });
  const wrong = [
    [() => auth.issue(), "request"],
    [() => auth.issue({ purpose: "user" }), "issue.subject"],
    [() => auth.issue({ subject: 42, purpose: "user" }), "issue.subject"],
    [() => auth.issue({ subject: "anna" }), "issue.purpose"],
    [() => auth.issue({ subject: "anna", purpose: "user", guard: 1 }), "guard"],
    [() => auth.issue({ subject: "anna\ud800", purpose: "user" }), "issue.subject"],
    [() => auth.authenticate(undefined, { purposes }), "token"],
    [() => auth.authenticate(Buffer.from(token), { purposes }), "token"],
    [() => auth.authenticate(token), "options"],
    [() => auth.authenticate(token, { purposes: "user" }), "purposes"],
    [() => auth.authenticate(token, { purposes: [undefined] }), "purposes[0]"],
    [() => auth.admit(token, { purposes, socket: { subject: "anna" } }), "socket.sid"],
    [() => auth.revoke(undefined), "target"],
    [() => auth.revoke({}), "token, jti, sid"],
    [() => auth.revoke({ jti: "a", sid: "b" }), "token, jti, sid"],
    [() => auth.revoke(token, { scope: "all" }), "scope"],
    [() => auth.signOutEverywhere(undefined), "scope"],
    [() => auth.signOutEverywhere({ subject: "anna" }), "subject"],
    [() => auth.signOutEverywhere("anna", { keep: "s1" }), "keep"],
    [() => auth.signOutEverywhere("anna", { disconnectSelf: "no" }), "disconnectSelf"],
    [() => auth.preview("anna", { issuedBefore: 1.5 }), "issuedBefore"],
    [() => auth.sessions({ subject: "anna", limit: -1 }), "limit"],
    [() => auth.credentialsChanged({ subject: "anna" }), "trigger"],
    [() => auth.sweep({}), "sockets"],
    [() => auth.sweep([{ jti: "a" }]), "sockets[0].sid"],
    [() => auth.expunge("many"), "limit"],
  ];
  for (const [call, part] of wrong) await refused(call, "input_invalid", part);
  assert.throws(() => auth.authenticateSync(7, { purposes }), { code: "input_invalid" });
});

test("claims that JSON has no form for are refused, and nothing is stored", async () => {
  const storage = memoryStorage();
  const auth = await make({ storage });
  const circular = {};
  circular.self = circular;
  await refused(() => auth.issue({ subject: "anna", purpose: "user", claims: circular }), "input_invalid", "claims");
  await refused(() => auth.issue({ subject: "anna", purpose: "user", claims: { n: 1n } }), "input_invalid", "claims");
  await refused(() => auth.issue({ subject: "anna", purpose: "user", claims: [1] }), "claims_invalid");
  await refused(() => auth.issue({ subject: "anna", purpose: "user", claims: () => 1 }), "claims_invalid");
  await refused(() => auth.issue({ subject: "anna", purpose: "user", claims: { sub: "berta" } }), "claim_reserved");
  assert.deepEqual((await auth.sessions({ subject: "anna" })).sessions, []);
});

test("documents and ports are refused when the authenticator is made", async () => {
  await refused(() => createAuthenticator(), "input_invalid", "policy, keys and storage");
  await refused(() => createAuthenticator({ policy, keys }), "input_invalid", "storage");
  await refused(() => make({ storage: { find() {} } }), "input_invalid", "findMany");
  await refused(() => make({ broadcast: {} }), "input_invalid", "publish");
  await refused(() => make({ now: 5 }), "input_invalid", "now");
  await refused(() => make({ policy: undefined }), "policy_invalid", "policy");
  await refused(() => make({ policy: { ...policy, purpose: {} } }), "policy_invalid", "purpose");
  await refused(() => make({ policy: "{" }), "policy_invalid");
  await refused(() => make({ keys: undefined }), "keys_invalid");
  await refused(() => make({ keys: { keys: [{ kty: "oct", kid: "k1", alg: "HS256", k: "c2hvcnQ" }] } }), "keys_invalid", "keys[0]");
  await refused(() => make({ policy: { ...policy, purposes: { user: { lifetime: "14d", rotates: true } } } }), "policy_not_supported");
});

test("a closed authenticator refuses, and calls under way end as they would", async () => {
  let answer;
  const storage = memoryStorage();
  const slow = { ...storage, sync: false, find: (query) => new Promise((resolve) => (answer = () => resolve(storage.find(query)))) };
  const auth = await make({ storage: slow });
  const { token } = await auth.issue({ subject: "anna", purpose: "user" });
  const underWay = auth.authenticate(token, { purposes });
  auth.close();
  await refused(() => auth.authenticate(token, { purposes }), "authenticator_closed");
  answer();
  assert.equal((await underWay).subject, "anna");
  auth.close();
  await refused(() => auth.issue({ subject: "anna", purpose: "user" }), "authenticator_closed");
});

test("two copies of the package in one process know each other's errors", async () => {
  const other = createRequire(import.meta.url)("authkernel");
  assert.notEqual(other.AuthError, AuthError);
  const auth = await other.createAuthenticator({ policy, keys, storage: memoryStorage() });
  await refused(() => auth.authenticate("a.b.c", { purposes }), "token_malformed");
  assert.ok(new other.StorageError("conflict") instanceof StorageError);
  const mine = await make();
  const { token } = await mine.issue({ subject: "anna", purpose: "user" });
  await refused(() => auth.authenticate(token, { purposes }), "token_not_found");
});
