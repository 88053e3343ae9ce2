// How long a sign-out of 1,000 connections takes, from the request that asks for it until the last client has seen its close: the example
// server over `ws` (token records revoked in SQLite, each connection closed with 4001), beside Socket.IO's own `disconnectSockets` with as
// many of its real clients. Servers and clients are processes of their own: measure on a machine that does nothing else.
//
//   node sign-out.mjs [CONNECTIONS] [ROUNDS]     needs `npm ci` in ../examples/server

import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const COUNT = Number(process.argv[2] ?? 1_000);
const ROUNDS = Number(process.argv[3] ?? 5);
/** What a sign-out of 1,000 connections may take, in milliseconds. */
const LIMIT = 200;
const SESSIONS = 20;
const PASSWORD = "correct horse battery staple";
const file = (path) => fileURLToPath(new URL(path, import.meta.url));

/** No server outlives a bench that failed. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill()));

/** Starts a server that says on its first line where it listens. */
async function start(args) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return { child, origin: /http:\/\/\S+/.exec(line)[0] };
}

async function post(origin, path, body, token) {
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(origin + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** One account with an acting session and others, over which the connections are spread. */
async function authkernel() {
  const data = mkdtempSync(join(tmpdir(), "authkernel-bench-"));
  const flags = [
    "--listen",
    "127.0.0.1:0",
    "--data",
    data,
    "--password-memory-kib",
    "8",
    "--log",
    "error",
    "--audit-log",
    join(data, "audit.log"),
  ];
  const { child, origin } = await start([file("../examples/server/server.js"), ...flags]);
  const account = { email: "crowd@example.com", password: PASSWORD };
  await post(origin, "/api/register", account);
  const signIn = async () => (await post(origin, "/api/sign-in", { ...account, cookie: false })).token;
  const acting = await signIn();
  const tokens = [];
  for (let n = 0; n < SESSIONS; n++) tokens.push(await signIn());
  const request = { path: "/api/sign-out-everywhere", body: { keep_current: true }, token: acting };
  return { child, job: { kind: "ws", origin, count: COUNT, tokens, request }, end: () => rmSync(data, { recursive: true, force: true }) };
}

async function socketIo() {
  const { child, origin } = await start([file("sign-out/socket-io-server.mjs")]);
  return {
    child,
    job: { kind: "socket.io", origin, count: COUNT, tokens: ["none"], request: { path: "/out", body: {} } },
    end: () => undefined,
  };
}

async function round(way) {
  const { child, job, end } = await way();
  const clients = fork(file("sign-out/clients.mjs"));
  clients.send(job);
  const [result] = await once(clients, "message");
  const ended = once(child, "close");
  clients.kill();
  child.kill();
  await ended;
  running.delete(child);
  end();
  if (result.error) throw new Error(result.error);
  return result;
}

const ways = { "authkernel, the example server over ws": authkernel, "Socket.IO, disconnectSockets(true)": socketIo };
const results = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
for (let n = 0; n < ROUNDS; n++) for (const [name, way] of Object.entries(ways)) results[name].push(await round(way));

console.log(`${COUNT} connections, ${ROUNDS} rounds; milliseconds from the request`);
const sorted = (rounds, key) => rounds.map((one) => one[key]).sort((a, b) => a - b);
const shown = (values) =>
  `${values[Math.floor(values.length / 2)].toFixed(0).padStart(4)} (${values[0].toFixed(0)} to ${values.at(-1).toFixed(0)})`;
for (const [name, rounds] of Object.entries(results)) {
  const [first, told, closed, answered] = ["first", "told", "closed", "answered"].map((key) => shown(sorted(rounds, key)));
  console.log(`${name}\n  first told ${first}, last told ${told}, last closed ${closed}, answered ${answered}  ${rounds[0].whys}`);
}
const last = sorted(results[Object.keys(ways)[0]], "closed");
const median = last[Math.floor(last.length / 2)];
if (COUNT <= 1_000 && median > LIMIT) {
  console.log(`too slow: the last one should be closed within ${LIMIT} ms`);
  process.exitCode = 1;
}
