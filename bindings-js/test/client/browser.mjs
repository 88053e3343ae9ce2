// A real Chromium, and a real service for it: ws behind the real authenticator, the client's compiled files, a probe.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:http";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { WebSocketServer } from "ws";
import { createAuthenticator } from "authkernel";
import { localBroadcast } from "authkernel/broadcast/local";
import { createGuard } from "authkernel/middleware";
import { createSockets } from "authkernel/sockets";
import { handleUpgrades } from "authkernel/sockets/ws";
import { memoryStorage } from "authkernel/storage/memory";

const DIST = fileURLToPath(new URL("../../dist/esm/", import.meta.url));
const USUAL = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** The path of a Chromium: the one named by `CHROMIUM`, else the first of the usual names; `null` without one. */
export function findChromium() {
  const named = process.env.CHROMIUM;
  if (named) return existsSync(named) ? named : null;
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return USUAL.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync) ?? null;
}

export function launch(executablePath) {
  // Chromium refuses its own sandbox to root.
  const root = process.getuid?.() === 0;
  const args = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath, args: root ? [...args, "--no-sandbox"] : args });
}

/** A service. `stop` ends it; `restart` cuts every connection, and takes no new ones until `ready`. */
export async function serve() {
  const broadcast = localBroadcast();
  const policy = {
    issuer: "https://app.example",
    audience: ["app"],
    leeway_seconds: 0,
    purposes: { user: { lifetime: "14d", store: true, presence: "required", opens_sockets: true } },
    live_socket_id_template: "users_sessions:{sid}",
    endpoints: ["web"],
  };
  const keys = { keys: [{ kty: "oct", kid: "k1", alg: "HS256", k: "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE" }] };
  const auth = await createAuthenticator({ policy, keys, storage: memoryStorage(), broadcast });
  const sockets = createSockets({ authenticator: auth, broadcast, endpoint: "web", redeliverEvery: false, expungeEvery: false });
  const guard = createGuard(auth, { purposes: ["user"] });
  const tickets = new Map();
  const wss = new WebSocketServer({ noServer: true });
  const state = { upgrades: [], probes: 0, heard: [], away: false };

  const http = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    const answer = (status, type, body) => response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
    if (pathname === "/") return answer(200, "text/html", "<!doctype html><link rel=icon href=data:,><title>page</title>");
    if (pathname.startsWith("/client/") && /^[\w/-]+\.js$/.test(pathname)) {
      return answer(200, "text/javascript", await readFile(join(DIST, pathname)));
    }
    if (pathname === "/api/me") {
      state.probes++;
      if (state.away) return answer(503, "application/json", "{}");
      const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const who = await guard({ headers, url: `http://${request.headers.host}${request.url}` });
      if (who.ok) return answer(200, "application/json", JSON.stringify({ subject: who.identity.subject }));
      return answer(who.refusal.status, "application/json", who.refusal.body());
    }
    answer(404, "application/json", "{}");
  });
  const upgrade = handleUpgrades({
    sockets,
    server: wss,
    purposes: ["user"],
    subprotocol: true,
    ticket(ticket) {
      const token = tickets.get(ticket);
      tickets.delete(ticket);
      return token;
    },
    connected(socket, live) {
      socket.send(`hello ${live.identity.subject}`);
      socket.on("message", (data, isBinary) => {
        state.heard.push(isBinary ? [...data] : String(data));
        socket.send(data, { binary: isBinary });
      });
    },
  });
  http.on("upgrade", (request, stream, head) => {
    state.upgrades.push(request.url);
    if (state.away) stream.destroy();
    else upgrade(request, stream, head);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address();

  return {
    auth,
    sockets,
    state,
    tickets,
    wss,
    origin: `http://127.0.0.1:${port}`,
    cutAll() {
      for (const socket of wss.clients) socket.terminate();
    },
    async signIn(context, more = {}) {
      const issued = await auth.issue({ subject: "alice", purpose: "user", ...more });
      await context?.addCookies([
        { name: "authkernel_session", value: issued.token, url: `http://127.0.0.1:${port}`, httpOnly: true, sameSite: "Lax" },
      ]);
      return issued;
    },
    async stop() {
      await sockets.close();
      http.close();
      http.closeAllConnections();
      for (const socket of wss.clients) socket.terminate();
    },
  };
}

/** A tab with the client in it; `events` are what it has told, oldest first. */
export async function tab(context, origin) {
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(origin);
  return {
    page,
    errors,
    /** `make` is the text of the options, in the page. */
    async open(make = "{}", url = "/live") {
      await page.evaluate(
        async ([make, url]) => {
          const { openSocket } = await import("/client/index.js");
          window.events = [];
          const note = (...event) => window.events.push(event);
          const options = new Function("note", `return (${make});`)(note);
          window.socket = openSocket(url, { ...options, onSignedOut: (reason) => note("onSignedOut", reason) });
          for (const name of ["open", "message", "close", "signed_out"]) window.socket.on(name, (event) => note(name, event));
        },
        [make, url],
      );
    },
    events: (name) => page.evaluate((name) => window.events.filter(([kind]) => !name || kind === name), name),
    socket: (expression) =>
      page.evaluate((expression) => new Function("socket", `return socket.${expression};`)(window.socket), expression),
    has: (name, count = 1) =>
      page.waitForFunction(([name, count]) => window.events.filter(([kind]) => kind === name).length >= count, [name, count], {
        timeout: 30_000,
      }),
  };
}
