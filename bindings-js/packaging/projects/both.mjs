// Both flavours in one process, as it happens when a dependency uses the other one: an error of one is known by the class of the other,
// and a storage of one serves the other.

import { createRequire } from "node:module";
import { AuthError, createAuthenticator, StorageError } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";

const require = createRequire(import.meta.url);
const other = require("authkernel");
const options = {
  policy: { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d" } } },
  keys: { keys: [{ kty: "oct", kid: "k", alg: "HS256", k: "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA" }] },
  storage: memoryStorage(),
};
const here = await createAuthenticator(options);
const there = await other.createAuthenticator(options);
const { token } = await here.issue({ subject: "user?id=42", purpose: "user", claims: { role: "admin" } });
const who = await there.authenticate(token, { purposes: ["user"] });
await there.revoke(token);
const error = await there.authenticate(token, { purposes: ["user"] }).catch((refusal) => refusal);
const known = error instanceof AuthError && error instanceof other.AuthError && AuthError !== other.AuthError;
const failing = { ...options.storage, find: () => { throw new other.StorageError("unavailable"); } };
const broken = await createAuthenticator({ ...options, storage: failing });
const refused = await broken.authenticate(token, { purposes: ["user"] }).catch((refusal) => refusal.code);
if (!known || refused !== "storage_unavailable" || !(new other.StorageError("other") instanceof StorageError)) throw new Error("not known");
console.log(`${who.subject} ${who.claims.role} ${error.code}`);
