// A process of clients, so that they do not share the server's thread. It connects them, asks for the sign-out, and tells when each was
// told and when it was closed.

import { io } from "socket.io-client";
import { WebSocket } from "ws";

/** Connected at the same time. */
const AT_ONCE = 25;
/** The connections rest for a moment, so that nothing of their opening is measured. */
const REST = 1_000;

function webSocket({ origin }, token, told, ended) {
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${origin.replace("http", "ws")}/live`, { headers, perMessageDeflate: false });
  // What the close frame says is known when it comes; the connection itself is gone a round trip later.
  socket.on("upgrade", () => setImmediate(() => socket._receiver.on("conclude", told)));
  socket.on("close", (code, reason) => ended(`${code} ${reason}`));
  return new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
}

function socketIo({ origin }, token, told, ended) {
  const socket = io(origin, { forceNew: true, transports: ["websocket"], auth: { token } });
  socket.on("disconnect", told);
  socket.io.on("close", (why) => ended(why));
  return new Promise((resolve, reject) => socket.on("connect", resolve).on("connect_error", reject));
}

async function run(job) {
  const { kind, origin, count, tokens, request } = job;
  const connect = kind === "ws" ? webSocket : socketIo;
  const tellings = [];
  const ends = [];
  let done;
  const all = new Promise((resolve) => (done = resolve));
  const told = () => tellings.push(performance.now());
  const ended = (why) => {
    ends.push({ why, at: performance.now() });
    if (ends.length === count) done();
  };
  for (let n = 0; n < count; n += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - n) }, (_, m) => connect(job, tokens[(n + m) % tokens.length], told, ended));
    await Promise.all(some);
  }
  // The first request of a process loads what requests need.
  await fetch(`${origin}/healthz`);
  await new Promise((resolve) => setTimeout(resolve, REST));
  const headers = { "content-type": "application/json", ...(request.token && { authorization: `Bearer ${request.token}` }) };
  const began = performance.now();
  const answer = await fetch(origin + request.path, { method: "POST", headers, body: JSON.stringify(request.body) });
  const answered = performance.now() - began;
  if (!answer.ok) throw new Error(`the sign-out was refused: ${answer.status} ${await answer.text()}`);
  await all;
  const last = (times) => Math.max(...times) - began;
  return {
    first: Math.min(...tellings) - began,
    told: last(tellings),
    closed: last(ends.map(({ at }) => at)),
    answered,
    whys: [...new Set(ends.map(({ why }) => why))].join(", "),
  };
}

process.on("message", (job) => {
  run(job).then(
    (result) => process.send(result),
    (error) => process.send({ error: error.stack }),
  );
});
