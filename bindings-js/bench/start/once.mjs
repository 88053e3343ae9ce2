// One start, for `start.mjs`: `node once.mjs SECRET TOKEN`. The token is good and unknown to the storage, which is empty: the decision has
// every step.

const [secret, token] = process.argv.slice(2);
const begin = performance.now();
const { createAuthenticator } = await import("authkernel");
const { memoryStorage } = await import("authkernel/storage/memory");
const imported = performance.now();
const policy = { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d" } } };
const keys = { keys: [{ kty: "oct", kid: "k1", alg: "HS256", k: secret }] };
const auth = await createAuthenticator({ policy, keys, storage: memoryStorage() });
const created = performance.now();
const refusal = await auth.authenticate(token, { purposes: ["user"] }).catch((error) => error);
const decided = performance.now();
if (refusal.code !== "token_not_found") throw refusal;
console.log(JSON.stringify([imported - begin, created - imported, decided - created, decided - begin]));
