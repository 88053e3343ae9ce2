// What the cases are made of: as kernel/src/testing/contract/fixtures.rs.

export const NOW = 1_700_000_000;
export const HOUR = 3_600;

/** A live record without a tenant, for the purpose `user`. */
export function record(subject, sid, jti, changes = {}) {
  return {
    jti,
    sid,
    subject,
    purpose: "user",
    kid: "k1",
    issuedAt: NOW,
    expiresAt: NOW + HOUR,
    epoch: 0,
    extraData: '{"role":"admin"}',
    createdAt: NOW,
    status: "live",
    successors: [],
    notify: "nothing",
    ...changes,
  };
}

/** The session that a record opens. */
export function session(record, changes = {}) {
  const { tenant, sid, subject, createdAt, expiresAt } = record;
  const times = { createdAt, lastSeen: createdAt, endsAt: expiresAt };
  return { tenant, sid, subject, device: "a phone", ...times, status: "live", ...changes };
}

export const opening = (record, guard) => ({ record, session: session(record), open: true, guard });
export const joining = (record) => ({ record, session: session(record), open: false });

/** Revokes everything of a subject, and ends its sessions. */
export function everything(subject, changes = {}) {
  return {
    subject,
    excludePurposes: [],
    keep: [],
    unexpiredAfter: NOW,
    endSessions: true,
    cutOffs: "nothing",
    forgetAt: NOW + HOUR,
    at: NOW,
    reason: "signed_out_everywhere",
    notifyPurposes: ["user"],
    limit: 100,
    dryRun: false,
    ...changes,
  };
}

/** Revokes one token or one session. */
export function revocation(target, changes = {}) {
  return { target, at: NOW, reason: "signed_out", notifyPurposes: ["user"], due: NOW, limit: 100, ...changes };
}

/** Uses up a record in favour of others. */
export function consumption({ tenant, jti, sid, subject }, successors = []) {
  return { tenant, jti, sid, subject, at: NOW, request: "hash", successors: successors.map(joining) };
}

export async function stored(storage, jti, tenant) {
  return (await storage.find({ tenant, jti })).record ?? undefined;
}

export async function isLive(storage, jti) {
  return (await stored(storage, jti))?.status === "live";
}

/** The same, whatever an absent field looks like, and in whatever order a set came. */
export function plain(value) {
  const read = JSON.parse(JSON.stringify(value ?? null), (_, part) => (part === null ? undefined : part));
  const sort = (list) => Array.isArray(list) && list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  sort(read?.cutOffs);
  sort(read?.lost?.newest);
  if (Array.isArray(read)) for (const part of read) sort(part?.cutOffs);
  return read ?? null;
}
