// Puts into storage what a vector begins with, through the port itself: any storage can be given it.

import { key } from "./documents.mjs";
import { consumption, cutOff, insertion, revocation } from "./port_shapes.mjs";

/** What was revoked before the vector began was revoked so many seconds before. */
const earlier = 10;
const day = 86_400;

/** Fills an empty storage. */
export async function fill(storage, vector, fixtures, now) {
  const { records = [], sessions = {}, cut_offs: cutOffs = [] } = vector.given ?? {};
  const opened = new Set();
  const made = records.map((entry) => givenRecord(entry, vector, fixtures));
  for (const [index, entry] of records.entries()) {
    const record = made[index];
    const name = JSON.stringify([record.tenant ?? null, record.sid]);
    const open = !opened.has(name);
    opened.add(name);
    await storage.insert(insertion.toLibrary({ record, session: sessionOf(record, sessions[record.sid] ?? {}), open }));
    const status = entry.status ?? "live";
    if (entry.pending && status !== "revoked") throw new Error("only a revoked record can be pending");
    if (status === "revoked") await revoke(storage, record, { token: record.jti }, entry.pending === true, now);
    if (status === "consumed") await consume(storage, record, now);
  }
  for (const [sid, session] of Object.entries(sessions)) {
    if (session.ended !== true) continue;
    const record = made.find((other) => other.sid === sid);
    if (!record) throw new Error(`no record has the session ${sid}`);
    await revoke(storage, record, { session: sid }, false, now);
  }
  for (const entry of cutOffs) {
    const [[kind, fields]] = Object.entries(entry);
    const whole = { ...(kind === "subject" ? { spared: [] } : {}), ...fields, forget_at: now + day };
    await storage.raiseCutOff(cutOff.toLibrary({ [kind]: whole }));
  }
}

async function revoke(storage, record, target, pending, now) {
  const at = now - earlier;
  await storage.revoke(
    revocation.toLibrary({
      tenant: record.tenant,
      target,
      at,
      reason: "before",
      notify_purposes: pending ? [record.purpose] : [],
      due: at,
      limit: 100,
    }),
  );
}

async function consume(storage, { tenant, jti, sid, subject }, now) {
  await storage.consume(consumption.toLibrary({ tenant, jti, sid, subject, at: now - earlier, successors: [] }));
}

const renamed = { sub: "subject", iat: "issued_at", exp: "expires_at" };
const own = ["tenant", "jti", "sid", "purpose", "act"];
const leftOut = ["iss", "aud", "nbf", "epoch"];
const required = ["jti", "sid", "subject", "purpose", "kid", "issued_at", "expires_at"];
const settable = [...required, "tenant", "act", "extra_data"];

function givenRecord(entry, vector, fixtures) {
  const spec = entry.of === undefined ? {} : vector.tokens?.[entry.of];
  if (!spec) throw new Error(`no token ${entry.of}`);
  const fields = { kid: key(fixtures, spec.key ?? fixtures.key).kid };
  const extra = [];
  for (const [name, value] of Object.entries(usualClaims(spec, fixtures))) {
    if (own.includes(name)) fields[name] = value;
    else if (Object.hasOwn(renamed, name)) fields[renamed[name]] = value;
    else if (!leftOut.includes(name)) extra.push([name, value]);
  }
  if (extra.length > 0) fields.extra_data = Object.fromEntries(extra);
  Object.assign(fields, entry.with);
  const lacking = required.find((name) => fields[name] === undefined);
  if (lacking) throw new Error(`a given record lacks ${lacking}, which its token does not have: set it in with`);
  const stranger = Object.keys(fields).find((name) => !settable.includes(name));
  if (stranger) throw new Error(`a given record cannot have ${stranger}`);
  return { ...fields, epoch: 0, created_at: fields.issued_at, status: "live", successors: [], notify: "nothing" };
}

/** The claims of a composed token: the usual ones, without some, with others. */
function usualClaims({ without = [], claims = {} }, fixtures) {
  const usual = Object.entries(fixtures.claims).filter(([name]) => !without.includes(name));
  return Object.fromEntries([...usual, ...Object.entries(claims)]);
}

function sessionOf(record, { device, created_at: createdAt = record.issued_at }) {
  return {
    tenant: record.tenant,
    sid: record.sid,
    subject: record.subject,
    device,
    created_at: createdAt,
    last_seen: createdAt,
    ends_at: record.expires_at,
    status: "live",
  };
}
