// Chromium, and what is watched in every tab of every case.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const USUAL = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

// A WebSocket tells its page why it was closed, and nobody else: noted here from outside the page's own code.
// `sessionStorage` keeps it when the tab goes to another page.
const WATCH_SOCKETS = `{
  const Native = WebSocket;
  const note = (key, value) => {
    const all = JSON.parse(sessionStorage.getItem(key) ?? "[]");
    sessionStorage.setItem(key, JSON.stringify([...all, value]));
  };
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      note("test.opened", 1);
      this.addEventListener("close", ({ code, reason }) => note("test.closed", { code, reason }));
    }
  };
}`;

/** The path of a Chromium: the one named by `CHROMIUM`, else the first of the usual names; `null` without one. */
export function findChromium() {
  const named = process.env.CHROMIUM;
  if (named) return existsSync(named) ? named : null;
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return USUAL.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync) ?? null;
}

/** Starts it. */
export async function launch(executablePath) {
  const { chromium } = await import("playwright-core").catch(() => {
    throw new Error("playwright-core is not installed: run `npm ci` in tests/page");
  });
  const unattended = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  // Chromium refuses its own sandbox to root.
  const root = process.getuid?.() === 0;
  return chromium.launch({ executablePath, args: root ? [...unattended, "--no-sandbox"] : unattended });
}

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

/**
 * A browser of one person, whose tabs know of each other. `faults` collects what must never happen in any case: an
 * error on the console, an exception, a request to another host, a cookie that is sent.
 */
export async function person(browser, origin, options = DESKTOP) {
  const context = await browser.newContext({ baseURL: origin, colorScheme: "light", ...options });
  context.setDefaultTimeout(15_000);
  await context.addInitScript(WATCH_SOCKETS);
  const faults = [];
  let serverMayBeAway = false;

  context.on("weberror", (error) => faults.push(`exception: ${error.error().message}`));
  context.on("console", (message) => {
    if (message.type() === "error" && !expected(message)) faults.push(`console: ${message.text()}`);
  });
  context.on("request", async (request) => {
    if (!sameHost(request.url())) faults.push(`request to another host: ${request.url()}`);
    const headers = await request.allHeaders().catch(() => ({}));
    if (headers.cookie) faults.push(`a cookie was sent: ${request.url()}`);
  });
  context.on("page", (page) => {
    page.on("websocket", (socket) => {
      if (!sameHost(socket.url())) faults.push(`connection to another host: ${socket.url()}`);
    });
  });

  // Chromium itself writes each failed request to the console. A dead session asks twice, to show that it is refused.
  function expected(message) {
    const { pathname } = new URL(message.location().url || origin);
    const refused = message.text().includes("401") && ["/api/socket-ticket", "/live/events"].includes(pathname);
    const wrong = /status of (401|403|409|422|503)/.test(message.text()) && pathname.startsWith("/api/");
    const away = serverMayBeAway && /ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INTERNET_DISCONNECTED|WebSocket connection/.test(message.text());
    return refused || wrong || away;
  }

  function sameHost(url) {
    return ["data:", "about:", "blob:"].includes(new URL(url).protocol) || new URL(url).host === new URL(origin).host;
  }

  return {
    context,
    faults,
    /** From here on failed connections are no fault. */
    expectServerAway() {
      serverMayBeAway = true;
    },
  };
}
