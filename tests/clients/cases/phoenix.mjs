// The npm client of Phoenix, both generations: connects, joins, heartbeats, is disconnected, and stays out.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { Socket as Socket17 } from "phoenix-1.7";
import { Socket as Socket18 } from "phoenix-1.8";
import { WebSocket } from "ws";

/** How long a client that was signed out is watched, and how often it may try to come back in that time. */
const WATCHED = 2_500;
const MOST_TRIES = 10;

const PASSWORD = "correct horse battery staple";
let people = 0;

const generations = {
  "1.7.21, token as a parameter": (url, token, options) => new Socket17(url, { ...options, params: { token } }),
  "1.8.16, token as a parameter": (url, token, options) => new Socket18(url, { ...options, params: { token } }),
  "1.8.16, token as a subprotocol": (url, token, options) => new Socket18(url, { ...options, authToken: token }),
};

export const cases = {};
for (const [name, connect] of Object.entries(generations)) {
  cases[`${name}: connects, joins and heartbeats`] = (server) => joins(server, connect);
  cases[`${name}: is disconnected at sign-out and stays out`] = (server) => staysOut(server, connect);
  cases[`${name}: a dead token is refused at the upgrade`] = (server) => refused(server, connect);
}

async function joins(server, connect) {
  const client = await open(server, connect);
  assert.deepEqual(await push(client.socket.channel("room:lobby", {}), "join"), ["ok", {}]);
  const [status, reason] = await push(client.socket.channel("secret:lobby", {}), "join");
  assert.deepEqual([status, reason.reason], ["error", "unmatched topic"]);
  // More than one heartbeat is answered: a client that hears none closes the connection.
  const before = client.heartbeats();
  await until("two more heartbeats are answered", () => client.heartbeats() >= before + 2);
  assert.ok(client.socket.isConnected());
  assert.equal(client.tries(), 1);
  await client.end();
}

async function staysOut(server, connect) {
  const client = await open(server, connect);
  await push(client.socket.channel("room:lobby", {}), "join");
  const closed = new Promise((resolve) => client.socket.onClose(resolve));
  const before = client.tries();
  const began = performance.now();
  await call(server, "/api/sign-out-everywhere", {}, client.token);
  const { code } = await closed;
  assert.equal(code, 1001);
  assert.ok(performance.now() - began < 2_000, "the connection was closed late");
  await until("it was refused when it came back", () => client.refusals() >= 1);
  await sleep(WATCHED);
  const tries = client.tries() - before;
  assert.ok(tries <= MOST_TRIES, `${tries} tries`);
  assert.equal(client.opens(), 1, "it was accepted again");
  await client.end();
  assert.ok(!server.log.includes(client.token), "the token is in the log");
}

async function refused(server, connect) {
  const token = await signIn(server);
  await call(server, "/api/sign-out-everywhere", {}, token);
  const client = watch(server, connect, token);
  client.socket.connect();
  await until("it was refused twice", () => client.refusals() >= 2);
  assert.equal(client.opens(), 0);
  assert.deepEqual([...client.statuses], [401]);
  await client.end();
}

/** A connected client. */
async function open(server, connect) {
  const client = watch(server, connect, await signIn(server));
  const opened = new Promise((resolve) => client.socket.onOpen(resolve));
  client.socket.connect();
  await opened;
  return client;
}

/** A client whose connections are counted. */
function watch(server, connect, token) {
  let tries = 0;
  let opens = 0;
  let refusals = 0;
  let heartbeats = 0;
  const statuses = new Set();
  class Counted extends WebSocket {
    constructor(...given) {
      super(...given);
      tries += 1;
      this.on("open", () => (opens += 1));
      this.on("unexpected-response", (request, response) => {
        refusals += 1;
        statuses.add(response.statusCode);
        request.destroy();
        this.emit("error", new Error(`refused with ${response.statusCode}`));
        this.emit("close", 1006, "");
      });
    }
  }
  const url = `${server.origin.replace("http", "ws")}/socket`;
  const socket = connect(url, token, { transport: Counted, heartbeatIntervalMs: 500 });
  socket.onMessage(({ topic, event }) => (heartbeats += topic === "phoenix" && event === "phx_reply" ? 1 : 0));
  return {
    socket,
    token,
    statuses,
    tries: () => tries,
    opens: () => opens,
    refusals: () => refusals,
    heartbeats: () => heartbeats,
    end: () => new Promise((resolve) => socket.disconnect(resolve)),
  };
}

async function until(what, holds) {
  const end = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < end, `never: ${what}`);
    await sleep(10);
  }
}

function push(channel, method) {
  return new Promise((resolve, reject) => {
    channel[method]()
      .receive("ok", (answer) => resolve(["ok", answer]))
      .receive("error", (answer) => {
        channel.leave();
        resolve(["error", answer]);
      })
      .receive("timeout", () => reject(new Error("no answer")));
  });
}

async function signIn(server) {
  const email = `phoenix-${(people += 1)}@example.com`;
  await call(server, "/api/register", { email, password: PASSWORD });
  const { token } = await call(server, "/api/sign-in", { email, password: PASSWORD, cookie: false });
  return token;
}

async function call(server, path, body, token) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(server.origin + path, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}
