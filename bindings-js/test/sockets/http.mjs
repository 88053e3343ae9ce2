// Real HTTP on a free port of the loopback interface.

import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocket } from "ws";

/** Starts a server; `stop` ends it with everything that is connected to it. */
export async function listen(server = createServer((_request, response) => response.writeHead(404).end())) {
  const streams = new Set();
  server.on("connection", (stream) => {
    streams.add(stream);
    stream.on("close", () => streams.delete(stream));
  });
  if (!server.listening) server.listen(0, "127.0.0.1");
  if (!server.listening) await once(server, "listening");
  const { port } = server.address();
  return {
    server,
    port,
    host: `127.0.0.1:${port}`,
    origin: `http://127.0.0.1:${port}`,
    ws: `ws://127.0.0.1:${port}`,
    streams,
    async stop() {
      server.close();
      for (const stream of streams) stream.destroy();
    },
  };
}

/** Tries an upgrade: `{ socket }` when it was accepted, `{ status, headers, body }` when it was refused. */
export function dial(url, { headers = {}, protocols = [], ...more } = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, { headers, ...more });
    const received = [];
    socket.on("message", (data) => received.push(String(data)));
    socket.on("error", reject);
    const closed = new Promise((resolve) =>
      socket.on("close", (code, reason) => resolve({ code, reason: String(reason), at: performance.now() })),
    );
    socket.on("open", () => resolve({ socket, received, closed }));
    socket.on("unexpected-response", async (_request, response) => {
      let text = "";
      for await (const part of response) text += part;
      const body = text === "" ? undefined : JSON.parse(text);
      resolve({ status: response.statusCode, headers: response.headers, body, code: body?.error.code });
    });
  });
}

export const bearer = (token) => ({ authorization: `Bearer ${token}` });

/** The JSON that a URL answers. */
export const get = async (url) => (await fetch(url)).json();
