// The HTTP server: connections with limits on their number, headers, silence and refusal to read.

import { createServer, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { LIVE, liveUpgrades } from "../routes/live.js";
import { PHOENIX, phoenixUpgrades } from "../routes/phoenix.js";

/** Header lines and bytes that a request may have. The longest token takes 8 KiB. */
const HEADER_LINES = 64;
const HEAD_BYTES = 32 * 1024;
/** How much of what is no request is read and thrown away, in bytes, and for how long, in milliseconds. */
const DRAIN = 4 * 1024 * 1024;
const DRAIN_FOR = 1_000;
const FULL_BODY = '{"error":{"code":"overloaded","message":"too many connections are open: try again later"}}';
/** What a client is told that comes when all places are taken. */
const FULL =
  "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\n" +
  `retry-after: 1\r\ncontent-length: ${FULL_BODY.length}\r\n\r\n${FULL_BODY}`;

/** A server for the application that does not listen yet. */
export function createListener(app, fetch) {
  const { idleSeconds, maxConnections } = app.settings;
  const idle = idleSeconds * 1000;
  const upgrades = [liveUpgrades(app), phoenixUpgrades(app)];
  const server = createServer({
    maxHeaderSize: HEAD_BYTES,
    headersTimeout: idle,
    keepAliveTimeout: idle,
    // The request's own limit is shorter, and answered.
    requestTimeout: app.settings.requestSeconds * 1000 + idle,
    connectionsCheckingInterval: Math.min(1_000, idle),
    noDelay: true,
    // Where Node asks; everywhere else the listener below sees to it.
    shouldUpgradeCallback: (incoming) => [LIVE, PHOENIX].includes(incoming.url.split("?", 1)[0]),
  });
  server.maxHeadersCount = HEADER_LINES;
  server.prependListener("connection", (socket) => {
    if (app.connections.size >= maxConnections) {
      app.log.warn("a connection was refused: all places are taken", { most: maxConnections });
      socket.write(FULL);
      socket.destroySoon();
      return;
    }
    app.connections.set(socket, { requests: 0, upgraded: false });
    socket.once("close", () => app.connections.delete(socket));
  });
  // A socket that neither sends nor takes anything: cut, unless a request is being worked on, which has a limit of its own.
  server.timeout = idle;
  server.on("timeout", (socket) => {
    const working = (app.connections.get(socket)?.requests ?? 0) > 0;
    if (!working || socket.writableLength > 0) socket.destroy();
  });

  server.on("clientError", (error, socket) => refuseUnread(socket, error.code));

  const listener = getRequestListener(fetch, { overrideGlobalObjects: false });
  const request = (incoming, outgoing) => {
    const connection = app.connections.get(incoming.socket);
    if (connection) connection.requests++;
    outgoing.once("close", () => {
      if (connection) connection.requests--;
      if (app.isStopping && connection?.requests === 0) incoming.socket?.destroySoon();
    });
    return listener(incoming, outgoing);
  };
  server.on("request", request);
  server.on("upgrade", (incoming, stream, head) => {
    const connection = app.connections.get(stream);
    if (connection) connection.upgraded = true;
    // An upgrade that nobody offers here is ignored, and the request answered as it is (RFC 9110 section 7.8).
    if (!upgrades.some((upgrade) => upgrade(incoming, stream, head))) answerPlainly(request, incoming, stream);
  });
  return server;
}

/** What is no request, as Node itself answers it; but what its sender still sends is thrown away, so that it gets to read the answer. */
function refuseUnread(socket, code) {
  if (!socket.writable || socket.bytesWritten > 0) return socket.destroy();
  const status = { HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large", ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout" }[code];
  let left = DRAIN;
  socket.removeAllListeners("data");
  socket.on("data", (chunk) => (left -= chunk.length) < 0 && socket.destroy()).on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status ?? "400 Bad Request"}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  socket.resume();
  setTimeout(() => socket.destroy(), DRAIN_FOR).unref();
}

function answerPlainly(request, incoming, stream) {
  const outgoing = new ServerResponse(incoming);
  outgoing.shouldKeepAlive = false;
  outgoing.assignSocket(stream);
  outgoing.once("finish", () => stream.destroySoon());
  stream.on("error", () => stream.destroy());
  request(incoming, outgoing);
}
