// WebAssembly memory stays what it is: after very many calls of each operation it is as large as after few. `node memory.mjs [calls]`

import { createAuthenticator, generateKeys } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";
import { loaded } from "../dist/esm/core.js";

const calls = Number(process.argv[2] ?? 1_000_000);
const first = Math.min(10_000, calls / 2);
const purposes = ["user"];
const policy = { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d", opens_sockets: true } } };
const keys = await generateKeys("HS256");

const now = 1_800_000_000;
const auth = await createAuthenticator({ policy, keys, storage: memoryStorage(), now: () => now });
const { token } = await auth.issue({ subject: "kept", purpose: "user", claims: { role: "admin" } });
const socket = { ...(await auth.authenticate(token, { purposes })), verifiedAt: now };

/** What is issued here is deleted a month later, which is at once: only the kernel's memory is to be seen. */
let later = now;
const passing = await createAuthenticator({ policy, keys, storage: memoryStorage(), now: () => later });
async function issueAndExpunge() {
  await passing.issue({ subject: "passing", purpose: "user", claims: { role: "admin" } });
  later += 30 * 86_400;
  await passing.expunge();
  later = now;
}

const operations = {
  beginSignIn: () => auth.beginSignIn({ subject: "kept" }),
  "issue, expunge": issueAndExpunge,
  authenticate: () => auth.authenticate(token, { purposes }),
  authenticateSync: () => auth.authenticateSync(token, { purposes }),
  "authenticate, refused": () => auth.authenticate(`${token}x`, { purposes }).catch(() => {}),
  admit: () => auth.admit(token, { purposes }),
  revoke: () => auth.revoke({ jti: "unknown" }),
  signOutEverywhere: () => auth.signOutEverywhere("nobody"),
  preview: () => auth.preview("kept"),
  sessions: () => auth.sessions({ subject: "kept" }),
  credentialsChanged: () => auth.credentialsChanged({ subject: "nobody", trigger: "password" }),
  sweep: () => auth.sweep([socket]),
  redeliver: () => auth.redeliver(),
};

// The entrypoint has loaded it: this is the kernel that was called.
const buffer = await loaded();
let flat = true;
for (const [name, run] of Object.entries(operations)) {
  for (let i = 0; i < first; i++) await run();
  const before = buffer.size;
  for (let i = first; i < calls; i++) await run();
  const after = buffer.size;
  flat &&= after === before;
  console.log(`${name.padEnd(24)} ${before / 1024} KiB after ${first}, ${after / 1024} KiB after ${calls}`);
}
console.log(flat ? "flat" : "it grew");
process.exitCode = flat ? 0 : 1;
