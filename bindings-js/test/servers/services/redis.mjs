import { createRequire } from "node:module";
import { Redis } from "ioredis";
import { Redis as Redis6 } from "ioredis-6";
import { createClient } from "redis";
import { createClient as createClient6 } from "redis-6";
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

const ioredis = (Client) => async (server) => {
  const client = new Client({ host: "127.0.0.1", port: server.port, enableOfflineQueue: false, lazyConnect: true });
  client.on("error", () => {});
  await client.connect();
  return Object.assign(client, { end: () => client.disconnect() });
};

const nodeRedis = (create) => async (server) => {
  const client = create({ socket: { host: "127.0.0.1", port: server.port }, disableOfflineQueue: true });
  client.on("error", () => {});
  await client.connect();
  return Object.assign(client, { end: () => client.destroy() });
};

/** The two libraries in both of their major versions, each as the name of the package and a function that opens a client. */
export const clients = {
  ioredis: ioredis(Redis),
  "ioredis-6": ioredis(Redis6),
  redis: nodeRedis(createClient),
  "redis-6": nodeRedis(createClient6),
};

/** The version of an installed package, for titles. */
export function versionOf(name) {
  return createRequire(import.meta.url)(`${name}/package.json`).version;
}
