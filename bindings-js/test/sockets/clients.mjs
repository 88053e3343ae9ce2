// A process of clients, so that they do not share the server's thread: `clients.mjs KIND URL COUNT TOKEN...`, started with an IPC channel.

import { WebSocket } from "ws";

const [kind, url, count, ...tokens] = process.argv.slice(2);
const total = Number(count);
const now = () => performance.timeOrigin + performance.now();
const ends = [];
let open = 0;

const opened = () => ++open === total && process.send({ opened: true });
const ended = (why) => {
  ends.push({ why, at: now() });
  if (ends.length === total) process.send({ ends });
};

for (let n = 0; n < total; n++) {
  const token = tokens[n % tokens.length];
  if (kind === "ws") {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` }, perMessageDeflate: false });
    socket.on("open", opened);
    socket.on("close", (code, reason) => ended(`${code} ${reason}`));
    socket.on("error", (error) => ended(`error ${error.message}`));
  } else {
    const { io } = await import("socket.io-client");
    const socket = io(url, { forceNew: true, transports: ["websocket"], auth: { token } });
    socket.on("connect", opened);
    socket.on("disconnect", ended);
    socket.on("connect_error", (error) => ended(`error ${error.message}`));
  }
  if (n % 25 === 24) await new Promise((resolve) => setTimeout(resolve, 20));
}
