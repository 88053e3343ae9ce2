/** Values that Rust reads, in the order of `src/types.rs`. What does not fit is refused with the name of its place. */

import type * as host from "../host.js";
import type { Buffer } from "./buffer.js";
import { JTI, KID, type Known, NOTHING, PURPOSE, SID, SUBJECT, TENANT } from "./known.js";

type Fields = Record<string, unknown>;

// What operations take. Applications in plain JavaScript hand in anything, so nothing is taken for granted.

export function tenantAndSubject(to: Buffer, it: Fields): void {
  to.optionalText(it.tenant, "tenant");
  to.text(it.subject, "subject");
}

export function issue(to: Buffer, it: Fields): void {
  tenantAndSubject(to, it);
  to.text(it.purpose, "purpose");
  claims(to, it.hostClaims, "hostClaims");
  claims(to, it.claims, "claims");
  to.optionalText(it.sid, "sid");
  to.optionalText(it.device, "device");
  to.optionalLarge(it.lifetime, "lifetime");
  to.optionalText(it.act, "act");
  to.option(it.guard, (guard) => to.whole(to.object(guard, "guard").epoch, "guard.epoch"));
}

function claims(to: Buffer, value: unknown, name: string): void {
  to.option(value, (value) => {
    let text: string | undefined;
    try {
      text = JSON.stringify(value);
    } catch {
      to.unfit(name, "made of what JSON has", value);
    }
    // A function or a symbol has no text. What is no object is refused by the kernel.
    to.text(text ?? "null", name);
  });
}

export function authenticate(to: Buffer, token: unknown, it: Fields): void {
  to.text(token, "token");
  to.texts(it.purposes, "purposes");
  to.optionalText(it.tenant, "tenant");
}

export function admit(to: Buffer, token: unknown, it: Fields): void {
  authenticate(to, token, it);
  to.option(it.socket, (socket) => {
    const fields = to.object(socket, "socket");
    to.enter("socket");
    tenantAndSubject(to, fields);
    to.text(fields.sid, "sid");
    to.leave();
  });
}

export function revoke(to: Buffer, target: unknown, it: Fields): void {
  const fields: Fields = typeof target === "string" ? { token: target } : to.object(target, "target");
  to.enter("target");
  switch (named(to, fields, ["token", "jti", "sid"])) {
    case "token":
      to.case(0);
      to.text(fields.token, "token");
      break;
    case "jti":
      to.case(1);
      to.text(fields.jti, "jti");
      break;
    default:
      to.case(2);
      to.text(fields.sid, "sid");
      to.optionalText(fields.subject, "subject");
  }
  to.leave();
  to.case(oneOf(to, it.scope ?? "session", "scope", ["session", "token"]));
  to.optionalText(it.tenant, "tenant");
  to.optionalText(it.reason, "reason");
}

export function signOut(to: Buffer, scope: unknown, it: Fields): void {
  const fields: Fields = typeof scope === "string" ? { subject: { subject: scope } } : to.object(scope, "scope");
  to.enter("scope");
  const kind = named(to, fields, ["subject", "tenant", "key"]);
  const inner = to.object(fields[kind], kind);
  to.enter(kind);
  switch (kind) {
    case "subject":
      to.case(0);
      tenantAndSubject(to, inner);
      break;
    case "tenant":
      to.case(1);
      to.optionalText(inner.tenant, "tenant");
      break;
    default:
      to.case(2);
      to.text(inner.kid, "kid");
  }
  to.leave();
  to.leave();
  to.option(it.includePurposes, (purposes) => to.texts(purposes, "includePurposes"));
  to.option(it.excludePurposes, (purposes) => to.texts(purposes, "excludePurposes"));
  to.texts(it.keep ?? [], "keep");
  to.optionalWhole(it.issuedBefore, "issuedBefore");
  to.optionalText(it.actingSid, "actingSid");
  to.flag(it.disconnectSelf ?? true, "disconnectSelf");
  to.optionalText(it.reason, "reason");
}

export function sessions(to: Buffer, it: Fields): void {
  tenantAndSubject(to, it);
  to.optionalText(it.after, "after");
  to.option(it.limit, (limit) => to.small(limit, "limit"));
}

export function credentialsChanged(to: Buffer, it: Fields): void {
  tenantAndSubject(to, it);
  to.text(it.trigger, "trigger");
  to.optionalText(it.actingSid, "actingSid");
  to.optionalWhole(it.changedAt, "changedAt");
  to.flag(it.disconnectSelf ?? true, "disconnectSelf");
}

export function sweep(to: Buffer, sockets: unknown): void {
  to.list<unknown>(sockets, "sockets", (socket, name) => {
    const it = to.object(socket, name);
    to.enter(name);
    to.optionalText(it.tenant, "tenant");
    to.text(it.jti, "jti");
    to.text(it.sid, "sid");
    to.text(it.subject, "subject");
    to.text(it.purpose, "purpose");
    to.text(it.kid, "kid");
    to.whole(it.issuedAt, "issuedAt");
    to.whole(it.expiresAt, "expiresAt");
    to.whole(it.epoch, "epoch");
    to.whole(it.verifiedAt, "verifiedAt");
    to.leave();
  });
}

// What storage answers. It may answer anything, too.

/** The answer to a look-up, and which look-up this side knows the texts of. */
export function found(to: Buffer, value: unknown, known: Known): void {
  to.count(known.lookup);
  foundAs(to, value, "", known);
}

export function foundMany(to: Buffer, values: unknown): void {
  to.list<unknown>(values, "", (value, name) => {
    to.enter(name);
    foundAs(to, value, "", NOTHING);
    to.leave();
  });
}

function foundAs(to: Buffer, value: unknown, name: string, known: Known): void {
  const it = to.object(value, name) as unknown as host.Found;
  optional(to, it.record, "record", record, known);
  optional(to, it.session, "session", session, known);
  to.list(it.cutOffs, "cutOffs", (cut, name) => cutOff(to, cut, name));
  to.whole(it.epoch, "epoch");
}

function optional(to: Buffer, value: unknown, name: string, write: (to: Buffer, it: Fields, known: Known) => void, known: Known): void {
  const there = value !== undefined && value !== null;
  to.case(there ? 1 : 0);
  if (!there) return;
  const it = to.object(value, name);
  to.enter(name);
  write(to, it, known);
  to.leave();
}

function record(to: Buffer, it: Fields, known: Known): void {
  to.optionalProbably(it.tenant, "tenant", known.tenant, TENANT);
  to.probably(it.jti, "jti", known.jti, JTI);
  to.probably(it.sid, "sid", known.sid, SID);
  to.probably(it.subject, "subject", known.subject, SUBJECT);
  to.probably(it.purpose, "purpose", known.purpose, PURPOSE);
  to.optionalText(it.act, "act");
  to.probably(it.kid, "kid", known.kid, KID);
  to.whole(it.issuedAt, "issuedAt");
  to.whole(it.expiresAt, "expiresAt");
  to.whole(it.epoch, "epoch");
  to.optionalText(it.extraData, "extraData");
  to.whole(it.createdAt, "createdAt");
  status(to, it.status);
  to.texts(it.successors, "successors");
  if (it.notify === "nothing") {
    to.case(0);
  } else {
    to.case(1);
    to.whole(to.object(it.notify, "notify").pending, "notify.pending");
  }
}

function status(to: Buffer, value: unknown): void {
  if (value === "live") {
    to.case(0);
    return;
  }
  const it = to.object(value, "status");
  to.enter("status");
  if (named(to, it, ["revoked", "consumed"]) === "revoked") {
    to.case(1);
    ending(to, it.revoked, "revoked");
  } else {
    const mark = to.object(it.consumed, "consumed");
    to.case(2);
    to.whole(mark.at, "consumed.at");
    to.optionalText(mark.request, "consumed.request");
  }
  to.leave();
}

function ending(to: Buffer, value: unknown, name: string): void {
  const it = to.object(value, name);
  to.whole(it.at, `${name}.at`);
  to.text(it.reason, `${name}.reason`);
}

function session(to: Buffer, it: Fields, known: Known): void {
  to.optionalProbably(it.tenant, "tenant", known.tenant, TENANT);
  to.probably(it.sid, "sid", known.sid, SID);
  to.probably(it.subject, "subject", known.subject, SUBJECT);
  to.optionalText(it.device, "device");
  to.whole(it.createdAt, "createdAt");
  to.whole(it.lastSeen, "lastSeen");
  to.whole(it.endsAt, "endsAt");
  if (it.status === "live") {
    to.case(0);
  } else {
    to.case(1);
    ending(to, to.object(it.status, "status").ended, "status.ended");
  }
}

function cutOff(to: Buffer, value: unknown, name: string): void {
  const it = to.object(value, name);
  to.enter(name);
  const kind = named(to, it, ["subject", "tenant", "key"]);
  const inner = to.object(it[kind], kind);
  to.enter(kind);
  switch (kind) {
    case "subject":
      to.case(0);
      to.optionalText(inner.tenant, "tenant");
      to.text(inner.subject, "subject");
      to.optionalText(inner.purpose, "purpose");
      to.whole(inner.below, "below");
      to.texts(inner.spared, "spared");
      break;
    case "tenant":
      to.case(1);
      to.optionalText(inner.tenant, "tenant");
      to.whole(inner.at, "at");
      break;
    default:
      to.case(2);
      to.text(inner.kid, "kid");
      to.whole(inner.at, "at");
  }
  to.whole(inner.forgetAt, "forgetAt");
  to.leave();
  to.leave();
}

export function epoch(to: Buffer, value: unknown): void {
  to.whole(value, "");
}

export function nothing(): void {}

export function revoked(to: Buffer, value: unknown): void {
  const it = to.object(value, "");
  to.case(oneOf(to, it.outcome, "outcome", ["revoked", "tombstoned", "already", "not_found"]));
  to.small(it.records, "records");
  records(to, it.pending, "pending");
  to.flag(it.more, "more");
}

export function undelivered(to: Buffer, values: unknown): void {
  records(to, values, "");
}

function records(to: Buffer, values: unknown, name: string): void {
  to.list<unknown>(values, name, (value, name) => {
    const it = to.object(value, name);
    to.enter(name);
    record(to, it, NOTHING);
    to.leave();
  });
}

export function matchingRevoked(to: Buffer, value: unknown): void {
  const it = to.object(value, "");
  to.small(it.sessions, "sessions");
  to.small(it.records, "records");
  to.small(it.notifyRecords, "notifyRecords");
  to.small(it.notifySessions, "notifySessions");
  records(to, it.pending, "pending");
  to.flag(it.more, "more");
  to.whole(it.epoch, "epoch");
}

export function consumed(to: Buffer, value: unknown): void {
  const it = to.object(value, "");
  if (named(to, it, ["won", "lost"]) === "won") {
    to.case(0);
    to.whole(it.won, "won");
    return;
  }
  const lost = to.object(it.lost, "lost");
  to.case(1);
  to.enter("lost");
  optional(to, lost.record, "record", record, NOTHING);
  optional(to, lost.session, "session", session, NOTHING);
  records(to, lost.newest, "newest");
  to.leave();
}

export function storedSessions(to: Buffer, value: unknown): void {
  const it = to.object(value, "");
  to.list<unknown>(it.sessions, "sessions", (value, name) => {
    const fields = to.object(value, name);
    to.enter(name);
    session(to, fields, NOTHING);
    to.leave();
  });
  to.flag(it.more, "more");
}

export function deleted(to: Buffer, value: unknown): void {
  const it = to.object(value, "");
  to.small(it.records, "records");
  to.small(it.sessions, "sessions");
  to.small(it.cutOffs, "cutOffs");
  to.flag(it.more, "more");
}

/** One answer per message. */
export function publishAnswers(to: Buffer, value: unknown, messages: number): void {
  // Nothing said is all taken.
  const answers: unknown = value === undefined ? new Array(messages).fill("taken") : value;
  to.list<unknown>(answers, "", (answer, name) => {
    if (answer === "taken") {
      to.case(0);
      return;
    }
    const it = to.object(answer, name);
    const kind = named(to, it, ["unavailable", "other"]);
    to.case(kind === "unavailable" ? 1 : 2);
    to.text(it[kind], `${name}.${kind}`);
  });
}

/** The one of these members that is there. */
function named<N extends string>(to: Buffer, it: Fields, names: readonly N[]): N {
  const there = names.filter((name) => it[name] !== undefined);
  if (there.length !== 1) to.unfit("", `an object with one of ${names.join(", ")}`, it);
  return there[0]!;
}

function oneOf(to: Buffer, value: unknown, name: string, values: readonly string[]): number {
  const place = values.indexOf(value as string);
  if (place < 0) to.unfit(name, `one of ${values.join(", ")}`, value);
  return place;
}
