// How long an application waits from the import to the first decision.

const began = performance.now();
const used = process.cpuUsage();
const { createAuthenticator } = await import("authkernel");
const { memoryStorage } = await import("authkernel/storage/memory");
const imported = performance.now();
const auth = await createAuthenticator({
  policy: { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d" } } },
  keys: { keys: [{ kty: "oct", kid: "k", alg: "HS256", k: "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA" }] },
  storage: memoryStorage(),
});
const created = performance.now();
await auth.authenticate("a.b.c", { purposes: ["user"] }).catch(() => {});
const decided = performance.now();
const { user, system } = process.cpuUsage(used);
console.log(JSON.stringify({ cpu: (user + system) / 1000, import: imported - began, create: created - imported, decide: decided - created, all: decided - began }));
