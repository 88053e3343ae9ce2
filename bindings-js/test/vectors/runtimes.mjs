// The runtimes, and how the vectors are run in each.

import { bun, chromium, deno, newestNode, node, workerd } from "../common/programs.mjs";

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
];
