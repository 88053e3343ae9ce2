const { AuthError, createAuthenticator } = require("authkernel");
const { memoryStorage } = require("authkernel/storage/memory");

async function story() {
  const auth = await createAuthenticator({
    policy: { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d" } } },
    keys: { keys: [{ kty: "oct", kid: "k", alg: "HS256", k: "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA" }] },
    storage: memoryStorage(),
  });
  const { token } = await auth.issue({ subject: "user?id=42", purpose: "user", claims: { role: "admin" } });
  const who = await auth.authenticate(token, { purposes: ["user"] });
  await auth.revoke(token);
  const error = await auth.authenticate(token, { purposes: ["user"] }).catch((refusal) => refusal);
  return `${who.subject} ${who.claims.role} ${error instanceof AuthError ? error.code : error}`;
}

story().then(console.log);
