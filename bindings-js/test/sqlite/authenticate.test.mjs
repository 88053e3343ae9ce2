// The kernel over these storages: without a promise where the storage needs none.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createAuthenticator } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";
import { sqliteStorage } from "authkernel/storage/sqlite";
import { folder } from "./lib/fixtures.mjs";
import { libraries } from "./lib/libraries.mjs";

const policy = {
  issuer: "https://app.example",
  audience: ["app"],
  purposes: {
    user: { lifetime: "14d", store: true, presence: "required" },
  },
};
const k = Buffer.from("a secret for tests, which is long enough").toString("base64url");
const keys = { keys: [{ kty: "oct", kid: "k1", alg: "HS256", use: "sig", k }] };

const kinds = [
  { name: "memory", make: () => memoryStorage() },
  ...libraries.map(({ name, open }) => ({
    name,
    make(t) {
      const database = open(join(folder(t), "authkernel.db"));
      const storage = sqliteStorage({ database });
      t.after(() => (storage.close(), database.close()));
      return storage;
    },
  })),
];

for (const { name, make } of kinds) {
  test(`${name}: issue, authenticate at once, sign out everywhere`, async (t) => {
    const auth = await createAuthenticator({ policy, keys, storage: make(t) });
    t.after(() => auth.close());
    const subject = "user?id=42";
    const { token, sid } = await auth.issue({ subject, purpose: "user", claims: { role: "admin", name: "Zoë 🦀" } });
    const who = auth.authenticateSync(token, { purposes: ["user"] });
    assert.equal(who.subject, subject);
    assert.deepEqual({ ...who.claims }, { role: "admin", name: "Zoë 🦀" });
    const other = await auth.issue({ subject, purpose: "user" });
    const { sessions } = await auth.sessions({ subject });
    assert.equal(sessions.length, 2);
    assert.equal((await auth.signOutEverywhere(subject, { keep: [sid] })).revoked, 1);
    const options = { purposes: ["user"] };
    assert.equal(auth.authenticateSync(token, options).sid, sid);
    assert.throws(
      () => auth.authenticateSync(other.token, options),
      ({ code }) => ["token_revoked", "session_ended"].includes(code),
    );
    await auth.revoke(token);
    await assert.rejects(auth.authenticate(token, options), ({ kind }) => kind === "denied");
  });
}
