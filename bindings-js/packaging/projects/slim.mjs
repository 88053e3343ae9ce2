// Nothing is loaded but what the application says: the module, compiled by itself.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { AuthError, createAuthenticator, initialize } from "authkernel/slim";
import { memoryStorage } from "authkernel/storage/memory";

initialize(new WebAssembly.Module(readFileSync(fileURLToPath(import.meta.resolve("authkernel/kernel.wasm")))));
const auth = await createAuthenticator({
  policy: { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d" } } },
  keys: { keys: [{ kty: "oct", kid: "k", alg: "HS256", k: "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA" }] },
  storage: memoryStorage(),
});
const { token } = await auth.issue({ subject: "user?id=42", purpose: "user", claims: { role: "admin" } });
const who = await auth.authenticate(token, { purposes: ["user"] });
await auth.revoke(token);
const error = await auth.authenticate(token, { purposes: ["user"] }).catch((refusal) => refusal);
console.log(`${who.subject} ${who.claims.role} ${error instanceof AuthError ? error.code : error}`);
