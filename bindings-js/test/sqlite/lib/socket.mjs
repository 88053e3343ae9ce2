// A WebSocket client that remembers what it was told.

import { WebSocket } from "ws";

/** Opens a connection; the promise is settled once it is open, or rejected with the answer that refused it. */
export function connect(url, token, path = "/live") {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(new URL(path, url).href.replace(/^http/, "ws"), { headers });
  const heard = [];
  socket.on("message", (text) => heard.push(String(text)));
  // When the close frame comes. The end of the TCP connection, for which the event "close" waits, follows in workerd only after seconds
  // where the client has never sent anything.
  const closed = new Promise((resolve) => {
    const told = (code, reason) => resolve({ code, reason: String(reason), at: Date.now() });
    socket.on("close", told);
    socket.on("upgrade", () => setImmediate(() => socket._receiver?.on("conclude", told)));
  });
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve({ socket, heard, closed, send: (text) => socket.send(text) }));
    socket.on("error", () => {});
    socket.on("unexpected-response", (request, response) => {
      let body = "";
      response.on("data", (text) => (body += text));
      response.on("end", () => {
        const { statusCode: status } = response;
        reject(Object.assign(new Error(`refused: ${status} ${body}`), { status, body: JSON.parse(body) }));
      });
    });
  });
}

/** Waits until something is so. */
export async function until(what, condition, limit = 10_000) {
  const giveUp = Date.now() + limit;
  while (!(await condition())) {
    if (Date.now() > giveUp) throw new Error(`not within ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
