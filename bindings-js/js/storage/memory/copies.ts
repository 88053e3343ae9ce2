/**
 * What is stored is a copy, made when it comes in, frozen to the last list, and replaced as a whole when it changes. So it can be
 * answered as it is: nobody can change what is stored through what was given or answered, and answering costs no copy. Every copy is one
 * literal with all fields in the same order, so that whoever reads them meets one shape.
 */

import type { CutOff, KeyCutOff, Notify, Session, SessionStatus, Status, SubjectCutOff, TenantCutOff, TokenRecord } from "../../host.js";

const NO_TEXTS: string[] = Object.freeze([] as string[]) as string[];
const NO_RECORDS: TokenRecord[] = [];

function texts(list: readonly string[]): string[] {
  return list.length === 0 ? NO_TEXTS : (Object.freeze([...list]) as string[]);
}

function status(given: Status): Status {
  if (given === "live") return "live";
  if ("revoked" in given) {
    const { at, reason } = given.revoked;
    return Object.freeze({ revoked: Object.freeze({ at, reason }) });
  }
  const { at, request } = given.consumed;
  return Object.freeze({ consumed: Object.freeze({ at, request: request ?? undefined }) });
}

function sessionStatus(given: SessionStatus): SessionStatus {
  if (given === "live") return "live";
  const { at, reason } = given.ended;
  return Object.freeze({ ended: Object.freeze({ at, reason }) });
}

function notify(given: Notify): Notify {
  return given === "nothing" ? "nothing" : Object.freeze({ pending: given.pending });
}

/** A record to keep, with what is to be different. */
export function recordOf(given: TokenRecord, changes: Partial<TokenRecord> = {}): TokenRecord {
  return Object.freeze({
    tenant: given.tenant ?? undefined,
    jti: given.jti,
    sid: given.sid,
    subject: given.subject,
    purpose: given.purpose,
    act: given.act ?? undefined,
    kid: given.kid,
    issuedAt: given.issuedAt,
    expiresAt: given.expiresAt,
    epoch: changes.epoch ?? given.epoch,
    extraData: given.extraData ?? undefined,
    createdAt: given.createdAt,
    status: status(changes.status ?? given.status),
    successors: texts(changes.successors ?? given.successors),
    notify: notify(changes.notify ?? given.notify),
  });
}

/** A record as it is answered where only its disconnect matters. */
export function withoutExtraData(record: TokenRecord): TokenRecord {
  return { ...record, extraData: undefined };
}

/** A session to keep, with what is to be different. */
export function sessionOf(given: Session, changes: Partial<Session> = {}): Session {
  return Object.freeze({
    tenant: given.tenant ?? undefined,
    sid: given.sid,
    subject: given.subject,
    device: given.device ?? undefined,
    createdAt: given.createdAt,
    lastSeen: changes.lastSeen ?? given.lastSeen,
    endsAt: changes.endsAt ?? given.endsAt,
    status: sessionStatus(changes.status ?? given.status),
  });
}

/** A subject's cut-off to keep: raised, never lowered. */
export function raisedSubject(known: SubjectCutOff | undefined, given: SubjectCutOff): SubjectCutOff {
  const raises = known === undefined || given.below > known.below;
  return Object.freeze({
    tenant: given.tenant ?? undefined,
    subject: given.subject,
    purpose: given.purpose ?? undefined,
    below: raises ? given.below : known.below,
    spared: texts(raises ? given.spared : known.spared),
    forgetAt: Math.max(known?.forgetAt ?? 0, given.forgetAt),
  });
}

/** A tenant's cut-off to keep. */
export function raisedTenant(known: TenantCutOff | undefined, given: TenantCutOff): TenantCutOff {
  return Object.freeze({
    tenant: given.tenant ?? undefined,
    at: Math.max(known?.at ?? 0, given.at),
    forgetAt: Math.max(known?.forgetAt ?? 0, given.forgetAt),
  });
}

/** A key's cut-off to keep. */
export function raisedKey(known: KeyCutOff | undefined, given: KeyCutOff): KeyCutOff {
  return Object.freeze({
    kid: given.kid,
    at: Math.max(known?.at ?? 0, given.at),
    forgetAt: Math.max(known?.forgetAt ?? 0, given.forgetAt),
  });
}

/** The answer of all look-ups that no cut-off concerns. */
export const NO_CUT_OFFS: CutOff[] = Object.freeze([] as CutOff[]) as CutOff[];

/** Up to `limit` records without extra data, and whether there are more. */
export function page(records: Iterable<TokenRecord>, limit: number): { pending: TokenRecord[]; more: boolean } {
  let pending = NO_RECORDS;
  for (const record of records) {
    if (pending === NO_RECORDS) pending = [];
    if (pending.length >= limit) return { pending, more: true };
    pending.push(withoutExtraData(record));
  }
  return { pending: pending === NO_RECORDS ? [] : pending, more: false };
}
