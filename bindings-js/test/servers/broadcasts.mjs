// Every broadcast adapter, opened for a test.

import { connect } from "@nats-io/transport-node";
import { channelBroadcast } from "authkernel/broadcast/channel";
import { localBroadcast } from "authkernel/broadcast/local";
import { natsBroadcast } from "authkernel/broadcast/nats";
import { postgresBroadcast } from "authkernel/broadcast/postgres";
import { redisBroadcast } from "authkernel/broadcast/redis";
import { connect as connectOld } from "nats";
import { nats, startNats } from "./services/nats.mjs";
import { pool, postgres, startPostgres } from "./services/postgres.mjs";
import { clients, redis, startRedis } from "./services/redis.mjs";

/** Opens a broadcast; `server` says where its broker is. */
export async function openBroadcast(kind, server, options = {}) {
  const opened = await opens[kind](server, options);
  const { end } = opened;
  return { ...opened, close: async () => (await opened.broadcast.close(), await end?.()) };
}

async function overNats(open, server, options) {
  const connection = await open({ servers: `127.0.0.1:${server.port}`, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  return { broadcast: natsBroadcast({ connection, ...options }), end: () => connection.close() };
}

async function overRedis(library, server, options) {
  const client = await clients[library](server);
  return { broadcast: redisBroadcast({ client, ...options }), end: () => client.end() };
}

const opens = {
  local: async (_, options) => ({ broadcast: localBroadcast(options) }),
  channel: async (_, options) => ({ broadcast: channelBroadcast(options) }),
  ...Object.fromEntries(Object.keys(clients).map((library) => [library, (server, options) => overRedis(library, server, options)])),
  "nats 3": (server, options) => overNats(connect, server, options),
  "nats 2": (server, options) => overNats(connectOld, server, options),
  postgres: async (server, options) => {
    const connections = pool(server, { connectionTimeoutMillis: 2_000 });
    return { broadcast: postgresBroadcast({ pool: connections, ...options }), end: () => connections.end() };
  },
};

/** The kinds, and how the broker of each is started; `raw` puts any text on its channel; `pauses`: it is a single process. */
export const kinds = {
  local: {},
  channel: {},
  ...Object.fromEntries(Object.keys(clients).map((library) => [library, { start: startRedis, skip: !redis, raw: rawRedis, pauses: true }])),
  "nats 3": { start: startNats, skip: !nats, raw: rawNats, pauses: true },
  "nats 2": { start: startNats, skip: !nats, raw: rawNats, pauses: true },
  postgres: { start: () => startPostgres(["-c", "fsync=off"]), skip: !postgres, raw: rawPostgres },
};

async function rawRedis(server, text) {
  const client = await clients.ioredis(server);
  await client.publish("authkernel:messages", text);
  client.end();
}

async function rawNats(server, text) {
  const connection = await connect({ servers: `127.0.0.1:${server.port}` });
  connection.publish("authkernel.messages", text);
  await connection.flush();
  await connection.close();
}

async function rawPostgres(server, text) {
  const connections = pool(server, { max: 1 });
  await connections.query("SELECT pg_notify('authkernel_messages', $1)", [text]);
  await connections.end();
}
