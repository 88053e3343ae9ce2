// Chromium, driven by playwright: `node runtimes/chromium.mjs data.json folder`, with the browser's path in CHROMIUM. The page is
// bundled by esbuild as any page would be.

import { createServer } from "node:http";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const [data, folder] = process.argv.slice(2);
const script = join(folder, "page.js");
await build({
  entryPoints: [fileURLToPath(new URL("browser.mjs", import.meta.url))],
  bundle: true,
  format: "esm",
  outfile: script,
  logLevel: "warning",
});
const server = createServer(async (request, response) => {
  const isScript = request.url === "/page.js";
  response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
  response.end(isScript ? await readFile(script) : '<!doctype html><script type="module" src="/page.js"></script>');
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => "runAll" in globalThis);
  const vectors = JSON.parse(await readFile(data, "utf8"));
  console.log(JSON.stringify(await page.evaluate((given) => globalThis.runAll(given), vectors)));
} finally {
  await browser.close();
  server.close();
}
