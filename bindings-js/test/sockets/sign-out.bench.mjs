// How long a sign-out of 1,000 connections takes until the last client has seen its close, over authkernel and by the libraries' own means.
//
//   node sign-out.bench.mjs [ROUNDS]

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Server } from "socket.io";
import { WebSocketServer } from "ws";
import { admission } from "authkernel/sockets/socket-io";
import { handleUpgrades } from "authkernel/sockets/ws";
import { listen } from "./http.mjs";
import { USER, service, sleep } from "./service.mjs";

const COUNT = 1_000;
const ROUNDS = Number(process.argv[2] ?? 3);
const CLIENTS = fileURLToPath(new URL("clients.mjs", import.meta.url));

/** One round: connects, signs out, and answers milliseconds: told, and seen by the last client; and the server's CPU time. */
async function round(kind, start) {
  const all = await service({ onEvent: undefined });
  const http = await listen();
  const signOut = start(all, http);
  const tokens = [];
  for (let n = 0; n < 20; n++) tokens.push((await all.issue("crowd")).token);
  const child = fork(CLIENTS, [kind, kind === "ws" ? http.ws : http.origin, String(COUNT), ...tokens]);
  const heard = (key) => new Promise((resolve) => child.on("message", (message) => message[key] && resolve(message[key])));
  const ends = heard("ends");
  await heard("opened");
  await sleep(500);
  const cpu = process.cpuUsage();
  const began = performance.timeOrigin + performance.now();
  await signOut();
  const told = performance.timeOrigin + performance.now() - began;
  const last = Math.max(...(await ends).map(({ at }) => at)) - began;
  const { user, system } = process.cpuUsage(cpu);
  child.kill();
  const whys = new Set((await ends).map(({ why }) => why));
  await http.stop();
  await all.sockets.close();
  return { told, last, cpu: (user + system) / 1000, whys: [...whys].join(", ") };
}

const ways = {
  "ws, signOutEverywhere": [
    "ws",
    ({ auth, sockets }, http) => {
      http.server.on(
        "upgrade",
        handleUpgrades({ sockets, server: new WebSocketServer({ noServer: true, perMessageDeflate: false }), ...USER }),
      );
      return () => auth.signOutEverywhere("crowd");
    },
  ],
  "ws by itself, a loop of close()": [
    "ws",
    (_all, http) => {
      const server = new WebSocketServer({ server: http.server, perMessageDeflate: false });
      return async () => {
        for (const socket of server.clients) socket.close(4001, "revoked");
      };
    },
  ],
  "Socket.IO, signOutEverywhere": [
    "socket.io",
    ({ auth, sockets }, http) => {
      new Server(http.server).use(admission({ sockets, ...USER }));
      return () => auth.signOutEverywhere("crowd");
    },
  ],
  "Socket.IO by itself, disconnectSockets(true)": [
    "socket.io",
    (_all, http) => {
      const io = new Server(http.server);
      io.on("connection", (socket) => socket.join("crowd"));
      return async () => io.in("crowd").disconnectSockets(true);
    },
  ],
};

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const results = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
for (let n = 0; n < ROUNDS; n++) for (const [name, way] of Object.entries(ways)) results[name].push(await round(...way));
for (const [name, rounds] of Object.entries(results)) {
  const of = (key) =>
    median(rounds.map((one) => one[key]))
      .toFixed(0)
      .padStart(5);
  console.log(`${name.padEnd(46)} last closed ${of("last")} ms, server's cpu ${of("cpu")} ms  (${rounds[0].whys})`);
}
process.exit();
