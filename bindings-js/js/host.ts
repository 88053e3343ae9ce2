/**
 * What an application supplies: storage and broadcast. The names, the fields and the promises are those of `wit/storage.wit` and
 * `wit/broadcast.wit`, in camelCase; times are whole seconds since the Unix epoch, UTC.
 *
 * An absent field may be left out, `undefined` or `null` in what a storage answers; what a storage is given has it left out.
 */

export type { Subscribable, SubscriptionEvents } from "./subscribable.js";

/** A value, or a promise of one. */
export type MaybePromise<T> = T | PromiseLike<T>;

/** Seconds since the Unix epoch, UTC: a whole number. */
export type Timestamp = number;

/**
 * Where token records, sessions and cut-offs live. Every method may answer a value or a promise.
 *
 * - **Revocation is a promise to every process.** Once a revoking call has returned, every look-up that starts later, in any process,
 *   sees it.
 * - **Writes for one subject are serialised**: the subject's row is taken first, so that nothing that was decided before a revocation
 *   is written after it.
 * - **Every call is one transaction**: it happens wholly or not at all.
 * - **An error is never "not found" and never "not revoked".** Throw (or reject with) a {@link StorageError}; anything else that is
 *   thrown counts as `other`, and the call is refused with `storage_failed`.
 * - An absent tenant is a tenant of its own: it never matches a named one.
 *
 * @example
 * ```ts
 * import type { Storage } from "authkernel";
 * import { memoryStorage } from "authkernel/storage/memory";
 *
 * const inner = memoryStorage();
 * const counted: Storage = { ...inner, find: (query) => (count++, inner.find(query)) };
 * let count = 0;
 * ```
 */
export interface Storage {
  /** Every method answers without a promise: `authenticateSync` and its like may be used. */
  readonly sync?: boolean;

  /**
   * Record, session, cut-offs and epoch that concern one token, in one round trip. Nothing found is an answer with absent fields, not an
   * error. Reads what was committed before the call began, in any process.
   */
  find(query: FindQuery): MaybePromise<Found>;

  /** {@link Storage.find} for a batch: one answer per query, in order. An empty list answers an empty list. */
  findMany(queries: FindQuery[]): MaybePromise<Found[]>;

  /**
   * Stores a record and opens or joins its session; answers the subject's epoch, which the stored record carries. Never overwrites: a
   * known (tenant, jti), whatever its status, and a known (tenant, sid) when the session is opened, is `conflict`.
   */
  insert(insertion: Insertion): MaybePromise<number>;

  /** Revokes one token or one session. Repeating it answers `already` and changes nothing, but answers again what is still pending. */
  revoke(revocation: Revocation): MaybePromise<Revoked>;

  /**
   * Revokes what matches among one subject's tokens and raises its epoch by one, all in one transaction whatever their number. A subject
   * without records is not an error.
   */
  revokeMatching(revocation: MatchingRevocation): MaybePromise<MatchingRevoked>;

  /**
   * Consumes a live record of a live session and inserts its successors, in one transaction. However many callers ask at once, exactly
   * one wins. Consuming never makes a disconnect pending.
   */
  consume(consumption: Consumption): MaybePromise<Consumed>;

  /**
   * Notes that a session was used; never lowers `lastSeen`. Best effort: it may answer before it is written. An unknown session is not an
   * error.
   */
  touch(touch: Touch): MaybePromise<void>;

  /** The live sessions of a subject, newest first, one page. An unknown subject has none. */
  list(query: ListQuery): MaybePromise<StoredSessions>;

  /**
   * Claims records whose disconnect is due and was not delivered, oldest first, without extra data. Nobody else is given them until the
   * lease ends.
   */
  undelivered(claim: DeliveryClaim): MaybePromise<TokenRecord[]>;

  /** Marks disconnects as delivered. Unknown and delivered records are not an error. */
  delivered(records: RecordId[]): MaybePromise<void>;

  /**
   * Deletes at most `limit` records with `expiresAt`, sessions with `endsAt` and cut-offs with `forgetAt` before the moment. Epochs are
   * never deleted.
   */
  deleteExpired(batch: ExpiryBatch): MaybePromise<Deleted>;

  /**
   * Stores a cut-off, or raises the one that is there: neither its value nor its `forgetAt` is ever lowered; the spared sessions are those
   * of the call that raised it last. A subject's cut-off raises its epoch to `below` at least.
   */
  raiseCutOff(cutOff: CutOff): MaybePromise<void>;
}

/**
 * How live connections are told. Delivery is best effort: what was not taken is kept by storage and sent again, and a connection that
 * missed a message is found by the next sweep.
 */
export interface Broadcast {
  /**
   * Hands over all messages in one call, after what they tell of was committed: one answer per message, in order. "Taken" means that the
   * broker has it, not that anybody listened. An empty list does nothing; repeating a message is harmless.
   *
   * Answering nothing (`undefined`) says that all were taken; throwing or rejecting, that none was.
   */
  publish(messages: Message[]): MaybePromise<readonly PublishAnswer[] | undefined | void>;
}

/** What became of one message: `"taken"`, or why not. The text is for logs. */
export type PublishAnswer = "taken" | { readonly unavailable: string } | { readonly other: string };

/** What storage keeps of a token; its key is (tenant, jti). Never the token, never a secret. */
export interface TokenRecord {
  /** The tenant, if the token has one. Never empty. */
  tenant?: string | null | undefined;
  /** The token's identifier: 128 random bits, 26 characters of lower-case base32. */
  jti: string;
  /** The session it belongs to. Empty only in the tombstone of a token that was never known. */
  sid: string;
  /** Whose token it is. Empty only in such a tombstone. */
  subject: string;
  /** What it is for. Empty only in such a tombstone. */
  purpose: string;
  /** The one action it may be used for, if it is bound to one. */
  act?: string | null | undefined;
  /** The key that signed it. */
  kid: string;
  /** The token's `iat`. */
  issuedAt: Timestamp;
  /** The token's `exp`. */
  expiresAt: Timestamp;
  /** The subject's epoch when it was inserted. Storage sets it. */
  epoch: number;
  /** The extra claims, as the text of a JSON object; absent when there are none, and in answers "without extra data". */
  extraData?: string | null | undefined;
  /** When it was inserted. */
  createdAt: Timestamp;
  /** Whether it may be used. A revoked or consumed record never becomes live again. */
  status: Status;
  /** The identifiers of the records that a consumption inserted in its place. */
  successors: string[];
  /** Whether live connections still have to be told. */
  notify: Notify;
}

/** Whether a record may be used. */
export type Status = "live" | { revoked: Ending } | { consumed: ConsumptionMark };

/** When and why something ended. */
export interface Ending {
  at: Timestamp;
  /** As the caller put it; for people and audit logs. */
  reason: string;
}

/** When, and by which request, a record was used up. */
export interface ConsumptionMark {
  at: Timestamp;
  /** Hash of the caller's request id, if it sent one. */
  request?: string | null | undefined;
}

/** Whether live connections still have to be told of a revocation: nothing to tell, or not before this moment. */
export type Notify = "nothing" | { pending: Timestamp };

/** The state of the family of tokens that began with one sign-in; its key is (tenant, sid). */
export interface Session {
  tenant?: string | null | undefined;
  /** 128 random bits, 26 characters of lower-case base32. */
  sid: string;
  subject: string;
  /** What the application calls the device, for people. */
  device?: string | null | undefined;
  createdAt: Timestamp;
  /** When it was last noted as used. */
  lastSeen: Timestamp;
  /** When the last of its tokens expires. */
  endsAt: Timestamp;
  status: SessionStatus;
}

/** Whether a session goes on; every token of an ended one is dead, stored or not. */
export type SessionStatus = "live" | { ended: Ending };

/** What to look up; an absent field finds nothing of its kind. */
export interface FindQuery {
  tenant?: string;
  jti?: string;
  sid?: string;
  subject?: string;
  purpose?: string;
  kid?: string;
}

/** All that storage knows about one token. */
export interface Found {
  /** The record, with its extra data; absent when there is none, which is not an error. */
  record?: TokenRecord | null | undefined;
  /** The session; absent when there is none. */
  session?: Session | null | undefined;
  /** Every cut-off that concerns the subject (subject-wide and of the purpose), the tenant or the key. */
  cutOffs: CutOff[];
  /** The subject's epoch; 0 when it was never raised. */
  epoch: number;
}

/** A stored statement that kills tokens without naming them. */
export type CutOff = { subject: SubjectCutOff } | { tenant: TenantCutOff } | { key: KeyCutOff };

/** Kills the tokens of a subject, or of one purpose of it, whose epoch is below `below`. */
export interface SubjectCutOff {
  tenant?: string | null | undefined;
  subject: string;
  /** Only tokens of this purpose; all when absent. */
  purpose?: string | null | undefined;
  below: number;
  /** Sessions that are spared, 8 at most. */
  spared: string[];
  /** When it may be forgotten: every token that it kills has expired by then. */
  forgetAt: Timestamp;
}

/** Kills every token of a tenant with `iat <= at + leeway`. */
export interface TenantCutOff {
  tenant?: string | null | undefined;
  at: Timestamp;
  forgetAt: Timestamp;
}

/** Kills every token that a key signed, with `iat <= at + leeway`. */
export interface KeyCutOff {
  kid: string;
  at: Timestamp;
  forgetAt: Timestamp;
}

/** A record to store, with the session that it opens or joins. */
export interface Insertion {
  /** Its `epoch` is ignored: storage writes the current one. */
  record: TokenRecord;
  /**
   * The session with the same tenant, sid and subject. When it is joined, only its `lastSeen` and `endsAt` are used, and neither is ever
   * lowered.
   */
  session: Session;
  /**
   * True opens the session, which must be new; false joins it: it must be there, live, and the subject's own, or the call fails with the
   * guard `session`.
   */
  open: boolean;
  /** The call fails with the guard `epoch` when the subject's epoch is above this. */
  guard?: number;
}

/** One token or one session to revoke. */
export interface Revocation {
  tenant?: string;
  target: RevocationTarget;
  /** When given, what is found must be this subject's; otherwise it counts as not there, and no tombstone is written. */
  subject?: string;
  at: Timestamp;
  reason: string;
  /** The record to insert, as it stands, when its jti is unknown: a tombstone, already revoked. */
  tombstone?: TokenRecord;
  /** The session to insert, as it stands, when the target is a session that is unknown: already ended. */
  sessionTombstone?: Session;
  /** Records of these purposes become `pending` when they are revoked. */
  notifyPurposes: string[];
  /** When the disconnects are due. */
  due: Timestamp;
  /** How many records to answer at most. */
  limit: number;
}

/** What a revocation revokes: the record with this jti and nothing else, or the session with this sid and every record of it. */
export type RevocationTarget = { token: string } | { session: string };

/** What a revocation found and did. */
export interface Revoked {
  outcome: RevocationOutcome;
  /** Records that were live and are revoked now. */
  records: number;
  /**
   * Records of the target whose disconnect is pending and due, those of earlier calls included, without extra data, up to the limit.
   */
  pending: TokenRecord[];
  /** There are more of them than the limit; `undelivered` has them. */
  more: boolean;
}

/**
 * Which case a revocation met: something live was revoked; nothing was known and a tombstone was written; it was dead already (revoked,
 * consumed or ended); nothing was known, or it is not the named subject's, and nothing was written.
 */
export type RevocationOutcome = "revoked" | "tombstoned" | "already" | "not_found";

/** A selection of one subject's tokens to revoke. */
export interface MatchingRevocation {
  tenant?: string;
  subject: string;
  /** Only these purposes; all when absent, none when empty. */
  includePurposes?: string[];
  /** Not these purposes. Wins over the inclusion. */
  excludePurposes: string[];
  /** Not these sessions. */
  keep: string[];
  /** Only records issued, and sessions begun, before this moment. */
  issuedBefore?: Timestamp;
  /** Records whose `expiresAt` is not after this are left alone and not counted. */
  unexpiredAfter: Timestamp;
  /**
   * Also end every live session that is not kept (and began before `issuedBefore`); all records of a session that is ended are revoked.
   */
  endSessions: boolean;
  /** Which cut-offs to write for tokens that are not stored. Each is below the raised epoch and spares `keep`. */
  cutOffs: CutOffScope;
  forgetAt: Timestamp;
  at: Timestamp;
  reason: string;
  /** Records of these purposes become `pending` when they are revoked. */
  notifyPurposes: string[];
  /** The session whose disconnects are due later, and when. */
  delay?: Delay;
  /** How many records to answer at most. */
  limit: number;
  /** Change nothing; answer what would be changed. */
  dryRun: boolean;
}

/** Disconnects of one session that are not due at once. */
export interface Delay {
  sid: string;
  due: Timestamp;
}

/** Which cut-offs a selection writes for tokens that are not stored: none, one for the whole subject, or one per purpose. */
export type CutOffScope = "nothing" | "subject" | { purposes: string[] };

/** What a selection did, or would do. */
export interface MatchingRevoked {
  /** Distinct sessions that were ended or lost a record. */
  sessions: number;
  /** Records that were live and are revoked now. */
  records: number;
  /** Those of `records` whose purpose is among `notifyPurposes`, the delayed session's left out. */
  notifyRecords: number;
  /** Distinct sessions of `notifyRecords`. */
  notifySessions: number;
  /** The subject's pending and due records, without extra data, up to the limit. Empty in a dry run. */
  pending: TokenRecord[];
  /** There are more of them than the limit; `undelivered` has them. */
  more: boolean;
  /** The subject's epoch now: raised by one, but for a dry run. */
  epoch: number;
}

/** A record to use up, and what takes its place. */
export interface Consumption {
  tenant?: string;
  jti: string;
  sid: string;
  subject: string;
  at: Timestamp;
  /** Hash of the caller's request id. */
  request?: string;
  /** What to insert when this call wins; they join the session. `open` and `guard` are ignored. */
  successors: Insertion[];
}

/**
 * Who won a record: this call (the successors carry this epoch), or another did, or the record or its session was not live, and nothing
 * was changed.
 */
export type Consumed = { won: number } | { lost: Lost };

/** What stands where a record was not won. */
export interface Lost {
  /** The record as it stands; absent when unknown. */
  record?: TokenRecord | null | undefined;
  /** Its session as it stands. */
  session?: Session | null | undefined;
  /** The newest live record of each purpose among the record's successors, and theirs. */
  newest: TokenRecord[];
}

/** A session that was used. */
export interface Touch {
  tenant?: string;
  sid: string;
  at: Timestamp;
}

/** One page of a subject's sessions. */
export interface ListQuery {
  tenant?: string;
  subject: string;
  /** Sessions that have ended by then are left out. */
  at: Timestamp;
  /** Leave out sessions without a live record that expires after `at`. */
  withRecord: boolean;
  /** Where the page before ended. */
  after?: SessionCursor;
  limit: number;
}

/** A place in the order of sessions: newest `createdAt` first, then `sid` ascending (by its bytes). */
export interface SessionCursor {
  createdAt: Timestamp;
  sid: string;
}

/** One page of live sessions, newest first. */
export interface StoredSessions {
  sessions: Session[];
  /** There are more after the last one. */
  more: boolean;
}

/** A claim on disconnects that were committed but not delivered. */
export interface DeliveryClaim {
  /** Records whose disconnect is due by then, and not under somebody's lease then. */
  at: Timestamp;
  leaseUntil: Timestamp;
  limit: number;
  /** Only this subject's; everybody's when absent. */
  only?: SubjectId;
}

/** A subject within its tenant. */
export interface SubjectId {
  tenant?: string;
  subject: string;
}

/** The key of a record. */
export interface RecordId {
  tenant?: string;
  jti: string;
}

/** A bounded batch of what may be deleted. */
export interface ExpiryBatch {
  before: Timestamp;
  /** How many of each at most. */
  limit: number;
}

/** What was deleted. */
export interface Deleted {
  records: number;
  sessions: number;
  cutOffs: number;
  /** There is more to delete. */
  more: boolean;
}

/** A message to the processes that hold live connections. */
export type Message = Disconnect | Recheck;

/** Close every connection of this endpoint that subscribed to this topic. */
export interface Disconnect {
  kind: "disconnect";
  /** The named group of live connections, such as `web`. */
  endpoint: string;
  /** The live socket id. Data inside a message, never the name of a broker's channel. */
  topic: string;
  event: "disconnect";
  payload: Record<string, never>;
}

/** Ask storage at once about the connections that match; an absent field matches all. Carries no authority. */
export interface Recheck {
  kind: "recheck";
  tenant?: string;
  subject?: string;
  purpose?: string;
  sid?: string;
  kid?: string;
}
