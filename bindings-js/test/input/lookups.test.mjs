// Both sides keep the texts of the last look-up and name them instead of writing them once more. Whatever look-ups do to each other, every
// caller is told who it is, and storage is asked for what is in the token.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuthenticator, generateKeys } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";

const policy = {
  issuer: "https://app.example",
  audience: ["app"],
  purposes: { user: { lifetime: "14d", opens_sockets: true }, admin: { lifetime: "1d" } },
};
const keys = await generateKeys("HS256");
const purposes = ["user", "admin"];

/** Tokens of several subjects, with and without tenant, some with the same subject, and who each of them is. */
async function people(storage, count) {
  const auth = await createAuthenticator({ policy, keys, storage });
  const issued = [];
  for (let i = 0; i < count; i++) {
    const tenant = i % 3 === 0 ? `tenant ${i % 2}` : undefined;
    const claims = i % 4 === 0 ? {} : { number: i, name: "ä".repeat(i % 5) };
    const { token, ...identity } = await auth.issue({ tenant, subject: `user ${i >> 1}`, purpose: purposes[i % 2], claims });
    issued.push({ token, tenant, identity });
  }
  return issued;
}

/** The storage with every method overlaid that is given. */
const over = (storage, methods) => ({ ...storage, ...methods });

test("look-ups that are answered in any order", async () => {
  const inner = memoryStorage();
  const everybody = await people(inner, 60);
  const waiting = [];
  const find = (query) => new Promise((resolve) => waiting.push(() => resolve(inner.find(query))));
  const auth = await createAuthenticator({ policy, keys, storage: over(inner, { sync: false, find }) });
  const answers = everybody.map(({ token, tenant }) => auth.authenticate(token, { purposes, tenant }));
  // From the middle outwards, and new ones in between.
  while (waiting.length > 0) {
    for (const one of waiting.splice(waiting.length >> 1, 2)) one();
    if (answers.length < 90) {
      const { token, tenant } = everybody[answers.length % 7];
      answers.push(auth.authenticate(token, { purposes, tenant }));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const found = await Promise.all(answers);
  found.forEach((identity, i) => assert.deepEqual(identity, everybody[i < 60 ? i : i % 7].identity));
});

test("a storage that looks somebody else up while it is asked", async () => {
  const inner = memoryStorage();
  const everybody = await people(inner, 12);
  let depth = 0;
  let auth;
  const find = (query) => {
    if (depth < 3) {
      depth++;
      const { token, tenant, identity } = everybody[(depth * 5) % 12];
      assert.deepEqual(auth.authenticateSync(token, { purposes, tenant }), identity);
      depth--;
    }
    return inner.find(query);
  };
  auth = await createAuthenticator({ policy, keys, storage: over(inner, { find }) });
  for (const { token, tenant, identity } of everybody) {
    assert.deepEqual(auth.authenticateSync(token, { purposes, tenant }), identity);
  }
});

test("a storage that answers for somebody else", async () => {
  const inner = memoryStorage();
  const everybody = await people(inner, 12);
  for (const field of ["subject", "sid", "jti", "purpose", "tenant"]) {
    const find = (query) => {
      const found = inner.find(query);
      // What it was asked for is changed as well: that is the storage's own object.
      query[field] = "another";
      return { ...found, record: { ...found.record, [field]: "another" } };
    };
    const auth = await createAuthenticator({ policy, keys, storage: over(inner, { find }) });
    for (const { token, tenant } of everybody) {
      assert.throws(() => auth.authenticateSync(token, { purposes, tenant }), { code: "record_mismatch" });
    }
  }
});

test("a subject that begins with a byte order mark is another one than without", async () => {
  const storage = memoryStorage();
  const asked = [];
  const find = (query) => (asked.push(query), storage.find(query));
  const auth = await createAuthenticator({ policy, keys, storage: over(storage, { find }) });
  const subject = "\uFEFFanna";
  const { token } = await auth.issue({ subject, purpose: "user", claims: { name: "\uFEFFx" } });
  const who = await auth.authenticate(token, { purposes });
  assert.deepEqual([who.subject, who.claims.name, asked[0].subject], [subject, "\uFEFFx", subject]);
  assert.equal((await auth.sessions({ subject: "anna" })).sessions.length, 0);
  assert.equal((await auth.signOutEverywhere(subject)).revoked, 1);
});
