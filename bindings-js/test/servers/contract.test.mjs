// The storage contract, as every storage in Rust passes it, on the storages that speak to servers.

import { after, before, describe, test } from "node:test";
import { postgresStorage } from "authkernel/storage/postgres";
import { redisStorage } from "authkernel/storage/redis";
import { storageContract } from "../contract/storage.mjs";
import { pool, postgres, startPostgres } from "./services/postgres.mjs";
import { clients, redis, startRedis, versionOf } from "./services/redis.mjs";

describe(`PostgreSQL by pg ${versionOf("pg")}`, { skip: !postgres }, () => {
  let server;
  let connections;
  before(async () => {
    server = await startPostgres(["-c", "fsync=off"]);
    connections = pool(server, { max: 20 });
  });
  after(async () => {
    await connections?.end();
    await server?.remove();
  });
  storageContract(test, async () => {
    await connections.query("DROP SCHEMA IF EXISTS authkernel CASCADE");
    const storage = postgresStorage({ pool: connections });
    await storage.migrate();
    return { storage, close: () => storage.close() };
  });
});

for (const [name, open] of Object.entries(clients)) {
  describe(`Redis by ${name} ${versionOf(name)}`, { skip: !redis }, () => {
    let server;
    let client;
    let number = 0;
    before(async () => {
      server = await startRedis(["--appendfsync", "no"]);
      client = await open(server);
    });
    after(async () => {
      client?.end();
      await server?.remove();
    });
    storageContract(test, async () => {
      const storage = redisStorage({ client, prefix: `{case ${(number += 1)}}:` });
      return { storage, close: () => storage.close() };
    });
  });
}
