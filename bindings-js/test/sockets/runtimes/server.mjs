// A service in Deno or Bun, with Hono: opens live connections at /live, and does what a test asks it by POST /issue and /revoke.

import { Hono } from "hono";
import { guard } from "authkernel/middleware/hono";
import { liveEvents } from "authkernel/sockets/events";
import { liveWebSocket } from "authkernel/sockets/hono";
import { USER, service } from "../service.mjs";

const bun = typeof globalThis.Bun === "object";
const { upgradeWebSocket, websocket } = await import(bun ? "hono/bun" : "hono/deno");
const { auth, sockets, issue } = await service({ cutAfter: 500 });
const heard = [];

const app = new Hono();
app.post("/issue", async (context) => context.json({ token: (await issue("alice")).token }));
app.post("/revoke", async (context) => context.json(await auth.revoke(await context.req.text())));
app.get("/state", (context) => context.json({ heard, ...sockets.counts() }));
app.get("/me", guard(auth, USER), (context) => context.json({ subject: context.get("identity").subject }));
app.get(
  "/live",
  liveWebSocket({
    sockets,
    upgradeWebSocket,
    ...USER,
    subprotocol: true,
    events: (_context, live) => ({
      onOpen: (_event, socket) => socket.send(`hello ${live.identity.subject}`),
      onMessage: ({ data }) => heard.push(String(data)),
    }),
  }),
);

const events = liveEvents({ sockets, ...USER, connected: (stream, live) => void stream.send(`hello ${live.identity.subject}`) });
app.get("/events", (context) => events(context.req.raw));

const options = { port: 0, hostname: "127.0.0.1" };
const server = bun
  ? globalThis.Bun.serve({ ...options, fetch: (request, server) => app.fetch(request, server), websocket })
  : globalThis.Deno.serve({ ...options, onListen() {} }, app.fetch);
console.log(`listening on ${bun ? server.port : server.addr.port}`);
