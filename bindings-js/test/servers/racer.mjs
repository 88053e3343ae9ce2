// One side of a race, in a process of its own: it is told which rounds to run, runs them at once, and says how each went.

import { postgresStorage } from "authkernel/storage/postgres";
import { redisStorage } from "authkernel/storage/redis";
import { consumption, everything, joining, opening, record, revocation } from "./fixtures.mjs";
import { pool } from "./services/postgres.mjs";
import { clients } from "./services/redis.mjs";

const { kind, server } = JSON.parse(process.argv[2]);
const open = {
  postgres: async () => postgresStorage({ pool: pool(server) }),
  ioredis: async () => redisStorage({ client: await clients.ioredis(server) }),
  redis: async () => redisStorage({ client: await clients.redis(server) }),
};
const storage = await open[kind]();

const subject = (round) => `subject ${round}`;
const sid = (round) => `session ${round}`;
const user = (round) => record(subject(round), sid(round), `user ${round}`);
const refresh = (round, name = "refresh") => record(subject(round), sid(round), `${name} ${round}`, { purpose: "refresh" });

/** What a process can be told to do in a round; each answers how it went. */
const acts = {
  open: async (round) => `${await storage.insert(opening(refresh(round)))}`,
  signIn: async (round) => `epoch ${await storage.insert(opening(user(round), 0))}`,
  join: async (round) => `epoch ${await storage.insert(joining(user(round)))}`,
  async rotate(round) {
    const answer = await storage.consume(consumption(refresh(round), [refresh(round, "successor"), user(round)]));
    return Object.keys(answer)[0];
  },
  async contend(round, who) {
    const answer = await storage.consume(consumption(refresh(round), [refresh(round, `successor ${who}`)]));
    return Object.keys(answer)[0];
  },
  signOut: async (round) => `${(await storage.revokeMatching(everything(subject(round)))).records} revoked`,
  endSession: async (round) => (await storage.revoke(revocation({ session: sid(round) }))).outcome,
  // As a service does that was given a token which it does not find: it leaves a tombstone where nothing is.
  async revokeToken(round) {
    const status = { revoked: { at: 1, reason: "signed_out" } };
    return (await storage.revoke(revocation({ token: `user ${round}` }, { tombstone: { ...user(round), status } }))).outcome;
  },
};

process.on("message", async ({ act, rounds, who }) => {
  const outcomes = rounds.map(async (round) => {
    try {
      return await acts[act](round, who);
    } catch (error) {
      return `${error.kind ?? error.message} ${error.guard ?? ""}`.trim();
    }
  });
  process.send(await Promise.all(outcomes));
});
process.send("ready");
