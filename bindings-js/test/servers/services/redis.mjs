import { createRequire } from "node:module";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { folder, freePort, program, Server } from "./process.mjs";

export const redis = program("redis-server");

/** A server that keeps everything, unless told otherwise. */
export async function startRedis(settings = []) {
  const port = await freePort();
  const home = folder();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", home, "--save", "", "--appendonly", "yes"];
  args.push("--appendfsync", "always", "--maxmemory-policy", "noeviction", ...settings);
  return new Server({ command: redis, args, port, folder: home }).start();
}

/** The two libraries, each as name and a function that opens a client. */
export const clients = {
  ioredis: async (server) => {
    const client = new Redis({ host: "127.0.0.1", port: server.port, enableOfflineQueue: false, lazyConnect: true });
    client.on("error", () => {});
    await client.connect();
    return Object.assign(client, { end: () => client.disconnect() });
  },
  redis: async (server) => {
    const client = createClient({ socket: { host: "127.0.0.1", port: server.port }, disableOfflineQueue: true });
    client.on("error", () => {});
    await client.connect();
    return Object.assign(client, { end: () => client.destroy() });
  },
};

/** The version of an installed package, for titles. */
export function versionOf(name) {
  return createRequire(import.meta.url)(`${name}/package.json`).version;
}
