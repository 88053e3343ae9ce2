// One Chromium for all pages, and a server for folders.

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { extname, join, normalize } from "node:path";
import { chromium as playwright } from "playwright-core";
import { chromium } from "../test/common/programs.mjs";
import { expected } from "./project.mjs";

const types = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
let browser;

/** Why no page can be opened, if none can. */
export function noBrowser() {
  return chromium().reason;
}

/** Opens a page and waits for its title to tell; fails when it asks anybody but its own server for anything. */
export function pageMustTell(url) {
  return withPage(url, async (page, complaints) => {
    await page.waitForFunction(() => document.title !== "loading", undefined, { timeout: 15_000 }).catch(() => {});
    const title = await page.title();
    if (title !== expected) throw new Error(`the page says ${title} ${complaints.join(" ")}`);
  });
}

/** The same for a page that writes lines to the console, and nothing else. */
export function pageSays(url, lines) {
  return withPage(url, async (page, said) => {
    for (let tries = 0; said.length < lines.length && tries < 300; tries++) await page.waitForTimeout(50);
    if (said.join("\n") !== lines.join("\n")) throw new Error(`the page says ${JSON.stringify(said)}`);
  });
}

async function withPage(url, look) {
  browser ??= await playwright.launch({ executablePath: chromium().path, args: ["--no-sandbox"] });
  const page = await browser.newPage();
  const complaints = [];
  const foreign = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.protocol.startsWith("http") && asked.host !== new URL(url).host) foreign.push(request.url());
  });
  // Every browser asks for it by itself.
  await page.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
  try {
    await page.goto(url);
    await look(page, complaints);
    if (foreign.length > 0) throw new Error(`the page asked ${foreign}`);
  } finally {
    await page.close();
  }
}

export async function closeBrowser() {
  await browser?.close();
}

/** Serves the files of a folder while `use` runs. */
export async function served(folder, use) {
  const server = createServer((request, response) => {
    const path = join(folder, normalize(new URL(request.url, "http://localhost").pathname));
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, "index.html") : path;
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    createReadStream(file).pipe(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
