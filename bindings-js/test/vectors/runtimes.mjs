// The runtimes, and how the vectors are run in each.

import { existsSync } from "node:fs";
import { bun, chromium, deno, newestNode, node, workerd } from "../common/programs.mjs";

const withoutEs256 = new URL("../../../target/wasm/js-without-es256/kernel.wasm", import.meta.url);

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
  { name: "workerd", find: workerd, command: ({ data, folder }) => [newestNode(), "runtimes/workerd.mjs", data, folder] },
  {
    name: "chromium",
    find: chromium,
    command: ({ data, folder }) => [process.execPath, "runtimes/chromium.mjs", data, folder],
    environment: ({ path }) => ({ CHROMIUM: path }),
  },
  {
    name: "no-es256",
    find: () => (existsSync(withoutEs256) ? node(20) : { reason: "the module is not built: run `cargo xtask js --without-es256`" }),
    command: ({ path, data }) => [path, "runtimes/without-es256.mjs", data],
  },
];
