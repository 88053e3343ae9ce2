// Random calls of a storage over so few names that they meet.

import { HOUR, NOW, record, sessionOf } from "./fixtures.mjs";

/** mulberry32: the same numbers for the same seed. */
export function numbers(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const TENANTS = [undefined, "acme", "ä\u{1f980}"];
const SUBJECTS = ["anna", "ben", "\uffee", "\u{1f980}"];
const PURPOSES = ["user", "refresh", "ticket"];

export function* randomCalls(seed, count) {
  const pick = numbers(seed);
  const one = (list) => list[pick(list.length)];
  const maybe = (value) => (pick(2) === 0 ? value() : undefined);
  const some = (list) => list.filter(() => pick(3) === 0);
  // Tenant and subject decide which sids and jtis are drawn mostly, so that calls fit together; one in ten is anybody's.
  const sid = (subject) => `s-${pick(10) === 0 ? one(SUBJECTS) : subject}-${pick(4)}`;
  const jti = (of) => `j-${of}-${pick(6)}`;
  const time = () => NOW + pick(2_000);
  const fresh = (tenant, subject, of) => {
    const times = { issuedAt: time(), createdAt: time(), expiresAt: time() + HOUR };
    return record(subject, of, jti(of), { tenant, purpose: one(PURPOSES), ...times });
  };

  const draw = {
    insert() {
      const [tenant, subject] = [one(TENANTS), one(SUBJECTS)];
      const of = sid(subject);
      const made = fresh(tenant, subject, of);
      const guard = maybe(() => pick(30));
      const session = { ...sessionOf(made), lastSeen: time() };
      return { record: made, session, open: pick(2) === 0, ...(guard === undefined ? {} : { guard }) };
    },
    find() {
      const subject = one(SUBJECTS);
      const of = sid(subject);
      const [id, kid] = [maybe(() => jti(of)), maybe(() => `k${pick(3)}`)];
      return { tenant: one(TENANTS), jti: id, sid: maybe(() => of), subject, purpose: one(PURPOSES), kid };
    },
    findMany: () => [draw.find(), draw.find()],
    revoke() {
      const [tenant, subject] = [one(TENANTS), one(SUBJECTS)];
      const of = sid(subject);
      const id = jti(of);
      const at = time();
      const dead = { revoked: { at, reason: "tombstone" } };
      const buried = record(subject, of, id, { tenant, status: dead, notify: pick(2) === 0 ? "nothing" : { pending: at } });
      const isSession = pick(2) === 0;
      return {
        tenant,
        target: isSession ? { session: of } : { token: id },
        subject: maybe(() => (pick(4) === 0 ? one(SUBJECTS) : subject)),
        at,
        reason: `r${pick(3)}`,
        tombstone: maybe(() => buried),
        sessionTombstone: maybe(() => ({ ...sessionOf(buried), status: { ended: { at, reason: "tombstone" } } })),
        notifyPurposes: some(PURPOSES),
        due: at + pick(3) * 30,
        limit: 1 + pick(4),
      };
    },
    revokeMatching() {
      const subject = one(SUBJECTS);
      const at = time();
      return {
        tenant: one(TENANTS),
        subject,
        includePurposes: maybe(() => some(PURPOSES)),
        excludePurposes: some(PURPOSES),
        keep: pick(2) === 0 ? [sid(subject)] : [],
        issuedBefore: maybe(time),
        unexpiredAfter: time(),
        endSessions: pick(2) === 0,
        cutOffs: one(["nothing", "subject", { purposes: some(PURPOSES) }]),
        forgetAt: time() + HOUR,
        at,
        reason: "everywhere",
        notifyPurposes: some(PURPOSES),
        delay: maybe(() => ({ sid: sid(subject), due: at + 30 })),
        limit: 1 + pick(4),
        dryRun: pick(2) === 0,
      };
    },
    consume() {
      const [tenant, subject] = [one(TENANTS), one(SUBJECTS)];
      const of = sid(subject);
      const successors = [0, 1].slice(pick(2)).map(() => {
        const next = fresh(tenant, subject, of);
        return { record: next, session: sessionOf(next), open: false };
      });
      return { tenant, jti: jti(of), sid: of, subject, at: time(), request: maybe(() => "hash"), successors };
    },
    touch: () => ({ tenant: one(TENANTS), sid: sid(one(SUBJECTS)), at: time() }),
    list() {
      const subject = one(SUBJECTS);
      const after = maybe(() => ({ createdAt: time(), sid: sid(subject) }));
      return { tenant: one(TENANTS), subject, at: time(), withRecord: pick(2) === 0, after, limit: 1 + pick(4) };
    },
    undelivered() {
      const at = time();
      return { at, leaseUntil: at + 30, limit: 1 + pick(4), only: maybe(() => ({ tenant: one(TENANTS), subject: one(SUBJECTS) })) };
    },
    delivered: () => [0, 1, 2].map(() => ({ tenant: one(TENANTS), jti: jti(sid(one(SUBJECTS))) })),
    deleteExpired: () => ({ before: NOW + HOUR + pick(700), limit: 1_000 }),
    raiseCutOff() {
      const tenant = one(TENANTS);
      const forgetAt = time() + HOUR;
      const [purpose, spared] = [maybe(() => one(PURPOSES)), some(["s1", "s2"])];
      const subject = { tenant, subject: one(SUBJECTS), purpose, below: pick(30), spared, forgetAt };
      return one([{ subject }, { tenant: { tenant, at: time(), forgetAt } }, { key: { kid: `k${pick(3)}`, at: time(), forgetAt } }]);
    },
  };
  const often = ["insert", "insert", "insert", "consume", "consume", "find", "find", "list", "revoke", "undelivered"];
  // Signing out and deleting are rare, or nothing is ever live.
  const rarely = ["revokeMatching", "findMany", "touch", "delivered", "deleteExpired", "raiseCutOff"];
  for (let number = 0; number < count; number++) {
    const method = pick(4) === 0 ? one(rarely) : one(often);
    yield { method, input: draw[method]() };
  }
}
