/** Values that Rust wrote, in the order of `src/types.rs`. */

import { AuthError, CODES, type Kind } from "../errors.js";
import type * as host from "../host.js";
import type * as requests from "../requests.js";
import type { Buffer } from "./buffer.js";
import type { Known } from "./known.js";

const KINDS: readonly Kind[] = ["denied", "input", "not_found", "conflict", "configuration", "unavailable", "internal"];

// What storage is given. Absent fields are left out.

function findQuery(from: Buffer): host.FindQuery {
  return present({
    tenant: from.readOptionalText(),
    jti: from.readOptionalText(),
    sid: from.readOptionalText(),
    subject: from.readOptionalText(),
    purpose: from.readOptionalText(),
    kid: from.readOptionalText(),
  });
}

/** The texts of a look-up, which are known from then on. */
export function lookup(from: Buffer, known: Known): Known {
  return {
    lookup: from.readCount(),
    tenant: from.readOptionalProbably(known.tenant),
    jti: from.readOptionalProbably(known.jti),
    sid: from.readOptionalProbably(known.sid),
    subject: from.readOptionalProbably(known.subject),
    purpose: from.readOptionalProbably(known.purpose),
    kid: from.readOptionalProbably(known.kid),
  };
}

/** The question of a look-up. */
export function question({ tenant, jti, sid, subject, purpose, kid }: Known): host.FindQuery {
  const query: host.FindQuery = {};
  if (tenant !== undefined) query.tenant = tenant;
  if (jti !== undefined) query.jti = jti;
  if (sid !== undefined) query.sid = sid;
  if (subject !== undefined) query.subject = subject;
  if (purpose !== undefined) query.purpose = purpose;
  if (kid !== undefined) query.kid = kid;
  return query;
}

export function findQueries(from: Buffer): host.FindQuery[] {
  return from.readList(findQuery);
}

export function insertion(from: Buffer): host.Insertion {
  return present({
    record: record(from),
    session: session(from),
    open: from.readFlag(),
    guard: from.readOptionalWhole(),
  });
}

export function revocation(from: Buffer): host.Revocation {
  return present({
    tenant: from.readOptionalText(),
    target: from.readCase() === 0 ? { token: from.readText() } : { session: from.readText() },
    subject: from.readOptionalText(),
    at: from.readWhole(),
    reason: from.readText(),
    tombstone: from.readOption(record),
    sessionTombstone: from.readOption(session),
    notifyPurposes: from.readTexts(),
    due: from.readWhole(),
    limit: from.readWhole(),
  });
}

export function matchingRevocation(from: Buffer): host.MatchingRevocation {
  return present({
    tenant: from.readOptionalText(),
    subject: from.readText(),
    includePurposes: from.readOption(texts),
    excludePurposes: from.readTexts(),
    keep: from.readTexts(),
    issuedBefore: from.readOptionalWhole(),
    unexpiredAfter: from.readWhole(),
    endSessions: from.readFlag(),
    cutOffs: cutOffScope(from),
    forgetAt: from.readWhole(),
    at: from.readWhole(),
    reason: from.readText(),
    notifyPurposes: from.readTexts(),
    delay: from.readOption((from) => ({ sid: from.readText(), due: from.readWhole() })),
    limit: from.readWhole(),
    dryRun: from.readFlag(),
  });
}

export function consumption(from: Buffer): host.Consumption {
  return present({
    tenant: from.readOptionalText(),
    jti: from.readText(),
    sid: from.readText(),
    subject: from.readText(),
    at: from.readWhole(),
    request: from.readOptionalText(),
    successors: from.readList(insertion),
  });
}

export function touch(from: Buffer): host.Touch {
  return present({ tenant: from.readOptionalText(), sid: from.readText(), at: from.readWhole() });
}

export function listQuery(from: Buffer): host.ListQuery {
  return present({
    tenant: from.readOptionalText(),
    subject: from.readText(),
    at: from.readWhole(),
    withRecord: from.readFlag(),
    after: from.readOption((from) => ({ createdAt: from.readWhole(), sid: from.readText() })),
    limit: from.readWhole(),
  });
}

export function deliveryClaim(from: Buffer): host.DeliveryClaim {
  return present({
    at: from.readWhole(),
    leaseUntil: from.readWhole(),
    limit: from.readWhole(),
    only: from.readOption((from) => present({ tenant: from.readOptionalText(), subject: from.readText() })),
  });
}

export function recordIds(from: Buffer): host.RecordId[] {
  return from.readList((from) => present({ tenant: from.readOptionalText(), jti: from.readText() }));
}

export function expiryBatch(from: Buffer): host.ExpiryBatch {
  return { before: from.readWhole(), limit: from.readWhole() };
}

export function cutOff(from: Buffer): host.CutOff {
  switch (from.readCase()) {
    case 0:
      return {
        subject: present({
          tenant: from.readOptionalText(),
          subject: from.readText(),
          purpose: from.readOptionalText(),
          below: from.readWhole(),
          spared: from.readTexts(),
          forgetAt: from.readWhole(),
        }),
      };
    case 1:
      return { tenant: present({ tenant: from.readOptionalText(), at: from.readWhole(), forgetAt: from.readWhole() }) };
    default:
      return { key: { kid: from.readText(), at: from.readWhole(), forgetAt: from.readWhole() } };
  }
}

function cutOffScope(from: Buffer): host.CutOffScope {
  switch (from.readCase()) {
    case 0:
      return "nothing";
    case 1:
      return "subject";
    default:
      return { purposes: from.readTexts() };
  }
}

function record(from: Buffer): host.TokenRecord {
  return present({
    tenant: from.readOptionalText(),
    jti: from.readText(),
    sid: from.readText(),
    subject: from.readText(),
    purpose: from.readText(),
    act: from.readOptionalText(),
    kid: from.readText(),
    issuedAt: from.readWhole(),
    expiresAt: from.readWhole(),
    epoch: from.readWhole(),
    extraData: from.readOptionalText(),
    createdAt: from.readWhole(),
    status: status(from),
    successors: from.readTexts(),
    notify: from.readCase() === 0 ? "nothing" : { pending: from.readWhole() },
  });
}

function status(from: Buffer): host.Status {
  switch (from.readCase()) {
    case 0:
      return "live";
    case 1:
      return { revoked: ending(from) };
    default:
      return { consumed: present({ at: from.readWhole(), request: from.readOptionalText() }) };
  }
}

function ending(from: Buffer): host.Ending {
  return { at: from.readWhole(), reason: from.readText() };
}

function session(from: Buffer): host.Session {
  return present({
    tenant: from.readOptionalText(),
    sid: from.readText(),
    subject: from.readText(),
    device: from.readOptionalText(),
    createdAt: from.readWhole(),
    lastSeen: from.readWhole(),
    endsAt: from.readWhole(),
    status: from.readCase() === 0 ? "live" : { ended: ending(from) },
  });
}

export function messages(from: Buffer): host.Message[] {
  return from.readList((from): host.Message =>
    from.readCase() === 0
      ? { kind: "disconnect", endpoint: from.readText(), topic: from.readText(), event: "disconnect", payload: {} }
      : present({
          kind: "recheck",
          tenant: from.readOptionalText(),
          subject: from.readOptionalText(),
          purpose: from.readOptionalText(),
          sid: from.readOptionalText(),
          kid: from.readOptionalText(),
        }),
  );
}

// What operations answer.

export function signInGuard(from: Buffer): requests.SignInGuard {
  return { epoch: from.readWhole() };
}

export function identity(from: Buffer, known: Known): requests.Identity {
  return {
    tenant: from.readOptionalProbably(known.tenant),
    subject: from.readProbably(known.subject),
    jti: from.readProbably(known.jti),
    sid: from.readProbably(known.sid),
    purpose: from.readProbably(known.purpose),
    act: from.readOptionalText(),
    kid: from.readProbably(known.kid),
    issuedAt: from.readWhole(),
    expiresAt: from.readWhole(),
    deadline: from.readWhole(),
    epoch: from.readWhole(),
    claims: claims(from),
    socketId: from.readOptionalText(),
  };
}

function claims(from: Buffer): requests.ExtraClaims {
  const text = from.readText();
  return text === "{}" ? {} : JSON.parse(text);
}

export function issued(from: Buffer, known: Known): requests.Issued {
  const token = from.readText();
  return { token, ...identity(from, known) };
}

export function report(from: Buffer): requests.Report {
  return {
    revoked: from.readWhole(),
    disconnected: from.readWhole(),
    undelivered: from.readList((from) => ({ endpoint: from.readText(), topic: from.readText() })),
    already: from.readFlag(),
  };
}

export function sessionPage(from: Buffer): requests.SessionPage {
  return { sessions: from.readList(session), next: from.readOptionalText() };
}

export function sweepReport(from: Buffer): requests.SweepReport {
  return { verdicts: from.readList(verdict), error: from.readOption(error) };
}

function verdict(from: Buffer): requests.Verdict {
  switch (from.readCase()) {
    case 0:
      return "keep";
    case 1:
      return "mute";
    case 2:
      return "unverified";
    default:
      return { close: CODES[from.readCase()]! };
  }
}

export function redelivered(from: Buffer): requests.Redelivered {
  return { delivered: from.readWhole(), undelivered: from.readWhole(), more: from.readFlag() };
}

export function expunged(from: Buffer): requests.Expunged {
  return { records: from.readWhole(), sessions: from.readWhole(), cutOffs: from.readWhole(), more: from.readFlag() };
}

export function error(from: Buffer): AuthError {
  const code = CODES[from.readCase()]!;
  const kind = KINDS[from.readCase()]!;
  return new AuthError(code, kind, from.readText());
}

function texts(from: Buffer): string[] {
  return from.readTexts();
}

/** Leaves out what is absent: a storage may put an object into a database as it is. */
function present<T extends object>(object: { [K in keyof T]: T[K] | undefined }): T {
  for (const name in object) {
    if (object[name] === undefined) delete object[name];
  }
  return object as T;
}
