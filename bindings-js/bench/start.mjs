// From the import to the first decision, each time in a new process: what a command line tool or a function in the cloud waits for when it
// starts. `node start.mjs [processes]`; the median of all, and of each step.

import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { fileURLToPath } from "node:url";

const processes = Number(process.argv[2] ?? 31);
const secret = Buffer.from("not a secret but an example of one");
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const now = Math.floor(Date.now() / 1000);
const claims = { iss: "https://app.example", aud: "app", sub: "user?id=42", jti: "a".repeat(26), sid: "b".repeat(26), iat: now, nbf: now, exp: now + 3600 };
const message = `${part({ alg: "HS256", kid: "k1", typ: "JWT" })}.${part({ ...claims, purpose: "user" })}`;
const token = `${message}.${createHmac("sha256", secret).update(message).digest("base64url")}`;

const once = fileURLToPath(new URL("start/once.mjs", import.meta.url));
const runs = [];
for (let i = 0; i < processes; i++) {
  runs.push(JSON.parse(execFileSync(process.execPath, [once, secret.toString("base64url"), token], { encoding: "utf8" })));
}
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
console.log(`median of ${processes} processes, node ${process.version}\n`);
for (const [step, name] of ["import", "createAuthenticator", "first decision", "together"].entries()) {
  console.log(`${name.padEnd(20)} ${median(runs.map((run) => run[step])).toFixed(1).padStart(6)} ms${name === "together" ? " (target 15)" : ""}`);
}
