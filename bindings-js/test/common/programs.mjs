// Where the programs of other runtimes are found. They come from npm as packages of one platform each, of `test/vectors`; install scripts
// are not needed. Chromium is the system's. Each answers `{ path }`, or `{ reason }` why there is none.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(new URL("../vectors/runtimes.mjs", import.meta.url));
const platform = `${process.platform}-${process.arch}`;

/** A program inside the npm package for this platform. */
function fromNpm(packages, file) {
  const name = packages[platform];
  if (!name) return { reason: `npm has none for ${platform}` };
  for (const folder of require.resolve.paths(name)) {
    const path = join(folder, name, file);
    if (existsSync(path)) return { path };
  }
  return { reason: `${name} is not installed: run npm ci in bindings-js/test/vectors` };
}

export const node = (major) =>
  fromNpm({ "linux-x64": `node${major}-linux-x64`, "linux-arm64": `node${major}-linux-arm64` }, "bin/node");

export const deno = () =>
  fromNpm(
    { "linux-x64": "@deno/linux-x64-glibc", "linux-arm64": "@deno/linux-arm64-glibc", "darwin-arm64": "@deno/darwin-arm64" },
    "deno",
  );

/** The baseline build also runs on processors without AVX2. */
export const bun = () =>
  fromNpm(
    { "linux-x64": "@oven/bun-linux-x64-baseline", "linux-arm64": "@oven/bun-linux-aarch64", "darwin-arm64": "@oven/bun-darwin-aarch64" },
    "bin/bun",
  );

/** workerd is driven by miniflare, which needs Node 22. */
export function workerd() {
  if (!node(24).path && Number.parseInt(process.versions.node, 10) < 22) return { reason: `miniflare needs Node 22: ${node(24).reason}` };
  const name = { "linux-x64": "@cloudflare/workerd-linux-64", "linux-arm64": "@cloudflare/workerd-linux-arm64" };
  return fromNpm({ ...name, "darwin-arm64": "@cloudflare/workerd-darwin-arm64" }, "bin/workerd");
}

export function chromium() {
  const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome-stable", "/usr/bin/google-chrome"];
  const path = places.find((place) => place && existsSync(place));
  return path ? { path } : { reason: "there is no Chromium: install it, or name one in CHROMIUM" };
}

/** The newest Node that there is: some tools need a newer one than the package does. */
export function newestNode() {
  return node(24).path ?? process.execPath;
}
