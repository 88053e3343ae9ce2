// Compiled, never run: the real libraries satisfy the structural types, and the examples of the documentation hold.

import { createServer } from "node:http";
import { serve as serve2, upgradeWebSocket as upgrade2 } from "hono-node-server-2";
import { createNodeWebSocket } from "@hono/node-ws";
import { Hono } from "hono";
import { upgradeWebSocket as upgradeBun } from "hono/bun";
import { upgradeWebSocket as upgradeDeno } from "hono/deno";
import { Server } from "socket.io";
import { WebSocketServer } from "ws";
import type { Authenticator, Subscribable } from "authkernel";
import { createSockets } from "authkernel/sockets";
import type { Closing, LiveSocket, SocketEvent } from "authkernel/sockets";
import { liveWebSocket } from "authkernel/sockets/hono";
import { admission, liveSocketOf } from "authkernel/sockets/socket-io";
import { handleUpgrades } from "authkernel/sockets/ws";

declare const authenticator: Authenticator<{ role: string }>;
declare const broadcast: Subscribable;

const sockets = createSockets({
  authenticator,
  broadcast,
  endpoint: "web",
  farewell: ({ reason }: Closing) => ({ code: 4001, reason }),
  onEvent: ({ kind, socket }: SocketEvent<{ role: string }>) => console.log(kind, socket.identity.claims.role),
});

export async function raw(token: string, peer: { close(code: number, reason: string): void }): Promise<LiveSocket<{ role: string }>> {
  const live = await sockets.open(token, { purposes: ["user"], tenant: "t", endpoint: "mobile" });
  live.attach(peer);
  const { reason }: Closing = await live.asked;
  const role: string = live.identity.claims.role;
  console.log(reason, role, (await live.prolong(token)).deadline);
  // @ts-expect-error: no purposes
  await sockets.open(token, {});
  return live;
}

const http = createServer();
http.on(
  "upgrade",
  handleUpgrades({
    sockets,
    server: new WebSocketServer({ noServer: true }),
    path: "/live",
    purposes: ["user"],
    ticket: async (ticket) => (ticket === "x" ? "token" : undefined),
    connected(socket, live, request) {
      socket.on("message", (data) => socket.send(`${live.identity.claims.role} ${request.url} ${String(data)}`));
    },
  }),
);

const io = new Server(http);
io.use(admission({ sockets, purposes: ["user"], token: (socket) => String(socket.handshake.auth["jwt"]) }));
io.of("/admin").use(admission({ sockets, purposes: ["user"], closeConnection: false }));
io.on("connection", (socket) => console.log(liveSocketOf<{ role: string }>(socket)?.identity.claims.role));

const app = new Hono<{ Variables: { x: string } }>();
const { upgradeWebSocket: upgrade1 } = createNodeWebSocket({ app });
app.get(
  "/1",
  liveWebSocket({
    sockets,
    upgradeWebSocket: upgrade1,
    purposes: ["user"],
    events: (_context, live) => ({
      onOpen: (_event, socket) => socket.send(live.identity.claims.role),
      onMessage: ({ data }) => console.log(data),
    }),
  }),
);
app.get("/2", liveWebSocket({ sockets, upgradeWebSocket: upgrade2, purposes: ["user"], events: () => ({}) }));
app.get("/3", liveWebSocket({ sockets, upgradeWebSocket: upgradeDeno, purposes: ["user"], events: () => ({}) }));
app.get("/4", liveWebSocket({ sockets, upgradeWebSocket: upgradeBun, purposes: ["user"], events: () => ({}) }));
serve2({ fetch: app.fetch, websocket: { server: new WebSocketServer({ noServer: true }) } });
