// What an application has: it imports, makes its authenticator and decides. The token is good and unknown to the storage, which is empty:
// the decision has every step.

import { createAuthenticator } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";

/** When each step was over. */
export async function start(secret, token) {
  const imported = performance.now();
  const policy = { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d" } } };
  const keys = { keys: [{ kty: "oct", kid: "k1", alg: "HS256", k: secret }] };
  const auth = await createAuthenticator({ policy, keys, storage: memoryStorage() });
  const created = performance.now();
  const refusal = await auth.authenticate(token, { purposes: ["user"] }).catch((error) => error);
  const decided = performance.now();
  if (refusal.code !== "token_not_found") throw refusal;
  return { imported, created, decided };
}
