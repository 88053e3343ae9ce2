// PostgreSQL and Redis answer the same, whatever they are asked: thousands of random calls, made to both.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { postgresStorage } from "authkernel/storage/postgres";
import { redisStorage } from "authkernel/storage/redis";
import { HOUR, NOW, plain, record, session } from "./fixtures.mjs";
import { pool, postgres, startPostgres } from "./services/postgres.mjs";
import { clients, redis, startRedis } from "./services/redis.mjs";

const CALLS = Number(process.env.AUTHKERNEL_CALLS ?? 2_000);
const skip = !postgres || !redis;
const ends = [];
let storages;

before(async () => {
  if (skip) return;
  // What a crash costs is no question here.
  const database = await startPostgres(["-c", "fsync=off"]);
  const server = await startRedis(["--appendfsync", "no"]);
  const connections = pool(database);
  const client = await clients.ioredis(server);
  storages = { postgres: postgresStorage({ pool: connections }), redis: redisStorage({ client }) };
  await storages.postgres.migrate();
  ends.push(() => connections.end(), () => client.end(), () => database.remove(), () => server.remove());
});
after(async () => {
  for (const end of ends) await end();
});

/** A generator of numbers that a seed repeats. */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Makes calls out of few names, so that they meet each other. */
function caller(next) {
  const pick = (list) => list[Math.floor(next() * list.length)];
  const chance = (part) => next() < part;
  const some = (list, part = 0.5) => list.filter(() => chance(part));
  const subjects = ["anna", "berta", "a\0b\u0001"];
  const purposes = ["user", "refresh", "für 🦀"];
  const sids = [...Array(9).keys()].map((number) => `s${number}`);
  const jtis = [...Array(40).keys()].map((number) => `t${number}`);
  // What was inserted last, or tried to be.
  const recent = [];
  let number = 0;
  const tenant = () => pick([undefined, undefined, undefined, undefined, "acme", "a"]);
  // A session is one subject's, mostly.
  const owner = (sid) => (chance(0.95) ? subjects[Number(sid.slice(1)) % 3] : pick(subjects));
  const time = () => NOW + Math.floor((next() - 0.3) * 2 * HOUR);
  const aRecord = (changes = {}) => {
    const sid = changes.sid ?? pick(sids);
    const times = { issuedAt: time(), createdAt: time(), expiresAt: time() };
    const made = { tenant: tenant(), purpose: pick(purposes), kid: pick(["k1", "k2"]), ...times };
    if (chance(0.3)) made.extraData = undefined;
    if (chance(0.3)) made.act = "an act\0";
    const jti = chance(0.6) ? `n${(number += 1)}` : pick(jtis);
    const whole = record(changes.subject ?? owner(sid), sid, jti, { ...made, ...changes });
    recent.unshift(whole);
    recent.length = Math.min(recent.length, 20);
    return whole;
  };
  const dead = { status: { revoked: { at: NOW, reason: "tombstone" } } };
  const anInsertion = (made = aRecord()) => {
    const guard = chance(0.2) ? Math.floor(next() * 20) : undefined;
    const device = chance(0.5) ? "ä\0" : undefined;
    return { record: made, session: session(made, { lastSeen: time(), endsAt: time(), device }), open: chance(0.6), guard };
  };
  const selection = () => ({
    at: time(),
    reason: pick(["signed_out", "x\u0001y\0"]),
    notifyPurposes: some(purposes),
    limit: pick([0, 1, 3, 100]),
  });
  return {
    insert: () => anInsertion(),
    find: () => ({
      tenant: tenant(),
      jti: pick([...jtis, undefined]),
      sid: pick([...sids, undefined]),
      subject: pick([...subjects, undefined]),
      purpose: pick([...purposes, undefined]),
      kid: pick(["k1", "k2", undefined]),
    }),
    findMany() {
      return [...Array(Math.floor(next() * 5))].map(this.find);
    },
    revoke: () => {
      const token = chance(0.5) ? pick(recent)?.jti ?? "t1" : pick(jtis);
      const target = chance(0.5) ? { token } : { session: pick(sids) };
      const of = tenant();
      const sid = target.session ?? pick(sids);
      const subject = subjects[Number(sid.slice(1)) % 3];
      const jti = target.token ?? pick(jtis);
      const unknown = chance(0.2) ? { sid: "", subject: "", purpose: "" } : { sid, subject };
      const tombstone = chance(0.5) ? aRecord({ ...unknown, tenant: of, ...dead, jti }) : undefined;
      const ended = { ended: { at: NOW, reason: "tombstone" } };
      const sessionTombstone = chance(0.5) ? session(aRecord({ sid, subject, tenant: of }), { status: ended }) : undefined;
      const wanted = chance(0.3) ? pick(subjects) : undefined;
      return { tenant: of, target, subject: wanted, tombstone, sessionTombstone, due: time(), ...selection() };
    },
    revokeMatching: () => ({
      tenant: tenant(),
      subject: pick(subjects),
      includePurposes: chance(0.5) ? some(purposes, 0.7) : undefined,
      excludePurposes: some(purposes, 0.2),
      keep: some(sids, 0.2),
      issuedBefore: chance(0.4) ? time() : undefined,
      unexpiredAfter: time(),
      endSessions: chance(0.5),
      cutOffs: pick(["nothing", "subject", { purposes: some(purposes) }]),
      forgetAt: time(),
      delay: chance(0.3) ? { sid: pick(sids), due: time() } : undefined,
      dryRun: chance(0.4),
      ...selection(),
    }),
    consume: () => {
      const known = chance(0.8) ? pick(recent) : undefined;
      const sid = known?.sid || pick(sids);
      const subject = known?.subject || owner(sid);
      const of = known ? known.tenant : tenant();
      const successors = [...Array(Math.floor(next() * 3))].map(() => anInsertion(aRecord({ sid, subject, tenant: of })));
      return { tenant: of, jti: known?.jti ?? pick(jtis), sid, subject, at: time(), request: chance(0.5) ? "hash" : undefined, successors };
    },
    touch: () => ({ tenant: tenant(), sid: pick(sids), at: time() }),
    list: () => ({
      tenant: tenant(),
      subject: pick(subjects),
      at: time(),
      withRecord: chance(0.5),
      after: chance(0.5) ? { createdAt: time(), sid: pick(sids) } : undefined,
      limit: pick([0, 1, 2, 100]),
    }),
    undelivered: () => {
      const at = time();
      const only = chance(0.5) ? { tenant: tenant(), subject: pick(subjects) } : undefined;
      return { at, leaseUntil: at + Math.floor(next() * 600), limit: pick([0, 1, 5, 1_000]), only };
    },
    delivered: () => [...Array(Math.floor(next() * 4))].map(() => ({ tenant: tenant(), jti: pick(jtis) })),
    // Which of several that are equally old go first is nobody's promise, so all of them go.
    deleteExpired: () => ({ before: time() + Math.floor(next() * HOUR), limit: 1_000 }),
    raiseCutOff: () => {
      const forgetAt = chance(0.1) ? 2 ** 64 : time();
      const purpose = pick([...purposes, undefined]);
      const whose = { tenant: tenant(), subject: pick(subjects), purpose };
      const subject = { ...whose, below: Math.floor(next() * 30), spared: some(sids, 0.2), forgetAt };
      const at = chance(0.1) ? Number.MAX_SAFE_INTEGER : time();
      return pick([{ subject }, { tenant: { tenant: tenant(), at, forgetAt } }, { key: { kid: pick(["k1", "k2"]), at, forgetAt } }]);
    },
  };
}

async function answer(storage, method, argument) {
  try {
    return plain(await storage[method](structuredClone(argument)));
  } catch (error) {
    if (error.kind === undefined) throw error;
    return { error: error.kind, guard: error.guard };
  }
}

test("random calls are answered alike", { skip }, async () => {
  const seed = Number(process.env.AUTHKERNEL_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const next = random(seed);
  const make = caller(next);
  const methods = Object.keys(make);
  const usual = ["insert", "insert", "insert", "find", "consume", "revoke"];
  const seen = {};
  for (let call = 0; call < CALLS; call += 1) {
    const method = next() < 0.5 ? usual[Math.floor(next() * usual.length)] : methods[Math.floor(next() * methods.length)];
    if (method === "deleteExpired" && next() < 0.5) continue;
    const argument = make[method]();
    const [first, second] = await Promise.all([answer(storages.postgres, method, argument), answer(storages.redis, method, argument)]);
    assert.deepEqual(second, first, `seed ${seed}, call ${call}: ${method} ${JSON.stringify(argument)}`);
    if (method === "touch") await Promise.all([storages.postgres.close(), storages.redis.close()]);
    const kind = `${method} ${first?.error ?? first?.outcome ?? Object.keys(first ?? {})[0] ?? ""}`;
    seen[kind] = (seen[kind] ?? 0) + 1;
  }
  // The calls are no test if they all miss.
  const outcomes = ["revoked", "tombstoned", "already", "not_found"].map((outcome) => `revoke ${outcome}`);
  for (const kind of ["consume won", "consume lost", "insert conflict", "insert guard_failed", ...outcomes]) {
    assert.ok(seen[kind] > 0, `no call had the outcome "${kind}": ${JSON.stringify(seen)}`);
  }
});
