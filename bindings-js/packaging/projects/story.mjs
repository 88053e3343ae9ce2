// What every project does: issue, authenticate, revoke, and see that it is over.

import { AuthError, createAuthenticator } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";

export async function story() {
  const auth = await createAuthenticator({
    policy: { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d" } } },
    keys: { keys: [{ kty: "oct", kid: "k", alg: "HS256", k: "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA" }] },
    storage: memoryStorage(),
  });
  const { token } = await auth.issue({ subject: "user?id=42", purpose: "user", claims: { role: "admin" } });
  const who = await auth.authenticate(token, { purposes: ["user"] });
  await auth.revoke(token);
  try {
    await auth.authenticate(token, { purposes: ["user"] });
    return "still alive";
  } catch (error) {
    if (error instanceof AuthError) return `${who.subject} ${who.claims.role} ${error.code}`;
    throw error;
  }
}
