// `authenticate` with HS256 over memory storage, beside the usual ways to do the same by hand: verify a token, look its `jti` up in a `Map`,
// compare subject and purpose. The tokens are those of many users, one after the other: nobody is measured by what was kept of the call
// before. Contenders take turns in one run; the ratio says more than the times. `node authenticate.mjs`

import { createSecretKey } from "node:crypto";
import { createAuthenticator, generateKeys } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";
import { createVerifier } from "fast-jwt";
import { jwtVerify } from "jose";
import { measure } from "mitata";

const issuer = "https://app.example";
const purposes = ["user"];
const users = 500;
const policy = { issuer, audience: ["app"], purposes: { user: { lifetime: "14d" } } };

async function setting(algorithm) {
  const keys = await generateKeys(algorithm);
  const auth = await createAuthenticator({ policy, keys, storage: memoryStorage() });
  const tokens = [];
  const records = new Map();
  for (let i = 0; i < users; i++) {
    const { token, jti, subject } = await auth.issue({ subject: `user?id=${i}`, purpose: "user", claims: { role: "admin" } });
    tokens.push(token);
    records.set(jti, { status: "live", subject, purpose: "user" });
  }
  let turn = 0;
  const next = () => tokens[(turn = (turn + 1) % users)];
  return { keys, auth, next, records };
}

const { keys, auth, next, records } = await setting("HS256");
const secret = Buffer.from(keys.keys[0].k, "base64url");
const edwards = await setting("EdDSA");

function accept({ jti, sub, purpose }) {
  const record = records.get(jti);
  if (record?.status !== "live" || record.subject !== sub || record.purpose !== purpose || !purposes.includes(purpose)) throw new Error("refused");
  return sub;
}

const fastJwt = createVerifier({ key: secret, algorithms: ["HS256"], allowedIss: issuer, allowedAud: "app", cache: false });
const key = createSecretKey(secret);
const joseOptions = { algorithms: ["HS256"], issuer, audience: "app" };

const contenders = {
  "fast-jwt + Map": () => accept(fastJwt(next())),
  "jose + Map": async () => accept((await jwtVerify(next(), key, joseOptions)).payload),
  authenticateSync: () => auth.authenticateSync(next(), { purposes }).subject,
  authenticate: async () => (await auth.authenticate(next(), { purposes })).subject,
  "authenticateSync, EdDSA": () => edwards.auth.authenticateSync(edwards.next(), { purposes }).subject,
};

// In turns, several times: what else the machine does falls on all of them.
const rounds = 7;
const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of Object.entries(contenders)) {
    const { p50 } = await measure(run, { min_cpu_time: 150e6 });
    times[name].push(p50 / 1000);
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const ratios = (name, peer) => times[name].map((time, round) => time / times[peer][round]);

console.log(`median of ${rounds} rounds, node ${process.version}\n`);
for (const name of Object.keys(contenders)) console.log(`${name.padEnd(26)} ${median(times[name]).toFixed(2).padStart(8)} µs`);
console.log();
for (const [name, peer, target] of [
  ["authenticateSync", "fast-jwt + Map", 1.0],
  ["authenticate", "fast-jwt + Map", 1.4],
  ["authenticate", "jose + Map", 0.25],
]) {
  console.log(`${`${name} / ${peer}`.padEnd(34)} ${median(ratios(name, peer)).toFixed(2)} (target ${target})`);
}
