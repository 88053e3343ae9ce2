// The real libraries satisfy the interfaces that the adapters ask for: this file only has to compile.

import { connect } from "@nats-io/transport-node";
import type { Broadcast, Storage, Subscribable } from "authkernel";
import { channelBroadcast } from "authkernel/broadcast/channel";
import { localBroadcast } from "authkernel/broadcast/local";
import { natsBroadcast } from "authkernel/broadcast/nats";
import { postgresBroadcast } from "authkernel/broadcast/postgres";
import { redisBroadcast } from "authkernel/broadcast/redis";
import { postgresStorage } from "authkernel/storage/postgres";
import { redisStorage } from "authkernel/storage/redis";
import { Cluster, Redis } from "ioredis";
import { Cluster as Cluster6, Redis as Redis6 } from "ioredis-6";
import { connect as connectOld } from "nats";
import { Pool } from "pg";
import { createClient } from "redis";
import { createClient as createClient6 } from "redis-6";

export const storages: Storage[] = [
  postgresStorage({ pool: new Pool() }),
  redisStorage({ client: new Redis() }),
  redisStorage({ client: new Cluster([]) }),
  redisStorage({ client: new Redis6() }),
  redisStorage({ client: new Cluster6([]) }),
  redisStorage({ client: createClient() }),
  redisStorage({ client: createClient6() }),
];

export const broadcasts: Subscribable[] = [
  localBroadcast(),
  channelBroadcast(),
  postgresBroadcast({ pool: new Pool() }),
  redisBroadcast({ client: new Redis() }),
  redisBroadcast({ client: new Redis6() }),
  redisBroadcast({ client: createClient() }),
  redisBroadcast({ client: createClient6(), subscriber: createClient6() }),
  natsBroadcast({ connection: await connect() }),
  natsBroadcast({ connection: await connectOld() }),
];

export const plain: Broadcast[] = broadcasts;

// @ts-expect-error a connection is no pool
postgresStorage({ pool: new Redis() });
// @ts-expect-error a pool is no client
redisStorage({ client: new Pool() });
