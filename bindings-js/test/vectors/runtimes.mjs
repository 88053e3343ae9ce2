// The runtimes, and where each of them is found. Their programs come from npm as packages of one platform each; install scripts are not
// needed. Chromium is the system's.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const platform = `${process.platform}-${process.arch}`;

/** A program inside the npm package for this platform. */
function fromNpm(packages, file) {
  const name = packages[platform];
  if (!name) return { reason: `npm has none for ${platform}` };
  for (const folder of require.resolve.paths(name)) {
    const path = join(folder, name, file);
    if (existsSync(path)) return { path };
  }
  return { reason: `${name} is not installed: run npm ci in ${dirname(new URL(import.meta.url).pathname)}` };
}

const node = (major) =>
  fromNpm({ "linux-x64": `node${major}-linux-x64`, "linux-arm64": `node${major}-linux-arm64` }, "bin/node");

const deno = () =>
  fromNpm(
    { "linux-x64": "@deno/linux-x64-glibc", "linux-arm64": "@deno/linux-arm64-glibc", "darwin-arm64": "@deno/darwin-arm64" },
    "deno",
  );

// The baseline build also runs on processors without AVX2.
const bun = () =>
  fromNpm(
    { "linux-x64": "@oven/bun-linux-x64-baseline", "linux-arm64": "@oven/bun-linux-aarch64", "darwin-arm64": "@oven/bun-darwin-aarch64" },
    "bin/bun",
  );

function workerd() {
  const name = { "linux-x64": "@cloudflare/workerd-linux-64", "linux-arm64": "@cloudflare/workerd-linux-arm64" };
  return fromNpm({ ...name, "darwin-arm64": "@cloudflare/workerd-darwin-arm64" }, "bin/workerd");
}

function chromium() {
  const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome-stable", "/usr/bin/google-chrome"];
  const path = places.find((place) => place && existsSync(place));
  return path ? { path } : { reason: "there is no Chromium: install it, or name one in CHROMIUM" };
}

/** miniflare needs a newer Node than the package does. */
function newest() {
  const found = node(24);
  return found.path ?? process.execPath;
}

export const runtimes = [
  ...[20, 22, 24].map((major) => ({
    name: `node${major}`,
    find: () => node(major),
    command: ({ path, data }) => [path, "runtimes/node.mjs", data],
  })),
  ...[20, 24].map((major) => ({
    name: `node${major}-cjs`,
    find: () => node(major),
    command: ({ path, data }) => [path, "runtimes/node.cjs", data],
  })),
  {
    name: "deno",
    find: deno,
    // No permission at all: what is not granted is refused, not asked for.
    command: ({ path }) => [path, "run", "--no-prompt", "--no-remote", "--no-config", "--node-modules-dir=manual", "runtimes/imported.mjs"],
    environment: () => ({ DENO_NO_UPDATE_CHECK: "1" }),
  },
  { name: "bun", find: bun, command: ({ path }) => [path, "--no-install", "runtimes/imported.mjs"] },
  { name: "workerd", find: workerd, command: ({ data, folder }) => [newest(), "runtimes/workerd.mjs", data, folder] },
  {
    name: "chromium",
    find: chromium,
    command: ({ data, folder }) => [process.execPath, "runtimes/chromium.mjs", data, folder],
    environment: ({ path }) => ({ CHROMIUM: path }),
  },
];
