/// <reference lib="esnext.disposable" preserve="true" />
/** What the operations take and answer: the same fields as in `wit/tokens.wit`, in camelCase; times are seconds since the Unix epoch. */

import type { AuthError, Code } from "./errors.js";
import type { Session, Timestamp } from "./host.js";

/** Extra claims: whatever fits into a JSON object. */
export type ExtraClaims = Record<string, unknown>;

/** A token to mint. */
export interface Issue<Claims extends ExtraClaims = ExtraClaims> {
  /** The tenant, if there is one. */
  tenant?: string | undefined;
  /** Whose token: the `sub`. */
  subject: string;
  /** What it is for: one of the policy's purposes. */
  purpose: string;
  /** What the application's own claims function answered; wins over the policy's extra claims. */
  hostClaims?: ExtraClaims | undefined;
  /** Extra claims of this call; win over all others. */
  claims?: Partial<Claims> | undefined;
  /** The session to join, from an identity that was authenticated; a new one when absent. */
  sid?: string | undefined;
  /** What to call the device of a new session, for people. */
  device?: string | undefined;
  /** Seconds; the purpose's lifetime when absent, and never more than it. */
  lifetime?: number | undefined;
  /** The one action it may be used for. Such a token never authenticates. */
  act?: string | undefined;
  /** What `beginSignIn` answered before the credential was checked. */
  guard?: SignInGuard | undefined;
}

/** Whose credential is about to be checked. */
export interface BeginSignIn {
  tenant?: string | undefined;
  subject: string;
}

/** The subject's epoch before the credential was checked: give it to `issue`. */
export interface SignInGuard {
  epoch: number;
}

/** Which tokens are accepted. */
export interface AuthenticateOptions {
  /** Which purposes are accepted here; at least one. */
  purposes: readonly string[];
  /** The tenant that is served here; the token's must be equal, absent means absent. */
  tenant?: string | undefined;
}

/** Which tokens may open, or prolong, a live connection. */
export interface AdmitOptions extends AuthenticateOptions {
  /** The open connection that is to be prolonged; absent for a new one. */
  socket?: OpenSocket | undefined;
}

/** Whose connection is open. */
export interface OpenSocket {
  tenant?: string | undefined;
  subject: string;
  sid: string;
}

/** Who a token says it is, after every check. */
export interface Identity<Claims extends ExtraClaims = ExtraClaims> {
  /** The tenant, if there is one. */
  readonly tenant: string | undefined;
  /** The subject. */
  readonly subject: string;
  /** The token's identifier. */
  readonly jti: string;
  /** The session. */
  readonly sid: string;
  /** What the token is for. */
  readonly purpose: string;
  /** The one action it is bound to. Always absent in what `authenticate` and `admit` answer. */
  readonly act: string | undefined;
  /** The key that signed it. */
  readonly kid: string;
  /** `iat`. */
  readonly issuedAt: Timestamp;
  /** `exp`. */
  readonly expiresAt: Timestamp;
  /** From this moment on the token is refused and its connections are closed: `exp + leeway`. */
  readonly deadline: Timestamp;
  /** The subject's epoch when it was issued. */
  readonly epoch: number;
  /** The extra claims, all layers merged. */
  readonly claims: Claims;
  /** The topic of its live connections; absent where the purpose opens none. */
  readonly socketId: string | undefined;
}

/** A minted token, and what `authenticate` would answer for it. */
export interface Issued<Claims extends ExtraClaims = ExtraClaims> extends Identity<Claims> {
  /** The token. Keep it out of logs. */
  readonly token: string;
}

/** What to revoke: a token, or an identifier that the application trusts. */
export type RevokeTarget =
  | { token: string }
  | { jti: string }
  | {
      sid: string;
      /** When given, another subject's session is `session_not_found`, as an unknown one is. */
      subject?: string | undefined;
    };

/** How much to revoke, and why. */
export interface RevokeOptions {
  /** `session` (the default): every token of the session, stored or not; always so for a purpose that rotates. `token`: this one only. */
  scope?: "session" | "token" | undefined;
  /** The tenant that is served here. */
  tenant?: string | undefined;
  /** For people and audit logs; `signed_out` when absent. */
  reason?: string | undefined;
}

/** Whose tokens a sign-out means. */
export type SignOutScope =
  /** One subject's tokens. */
  | { subject: { tenant?: string | undefined; subject: string } }
  /** A whole tenant's, by time: all purposes, no session kept. An absent tenant means the tokens without one. */
  | { tenant: { tenant?: string | undefined } }
  /** All that one key signed, by time: all purposes, no session kept. */
  | { key: { kid: string } };

/** Which tokens to revoke. */
export interface SignOutOptions {
  /** Only these purposes; the policy's when absent; none when empty. */
  includePurposes?: readonly string[] | undefined;
  /** Not these purposes; the policy's when absent. Wins over the inclusion. */
  excludePurposes?: readonly string[] | undefined;
  /** Sessions to keep, 8 at most. */
  keep?: readonly string[] | undefined;
  /** Only tokens issued, and sessions begun, before this moment. */
  issuedBefore?: Timestamp | undefined;
  /** The session that acts, if one does. */
  actingSid?: string | undefined;
  /**
   * `false`: the acting session is ended as well, but its own connection is left open, unable to act, for at most 30 s, so that a page can
   * redirect.
   */
  disconnectSelf?: boolean | undefined;
  /** For people and audit logs; `signed_out_everywhere` when absent. */
  reason?: string | undefined;
}

/** What a revocation did, or what a preview says it would do. */
export interface Report {
  /** Sessions that were ended or lost a token. */
  revoked: number;
  /** (endpoint, topic) pairs that the broker took; in a preview, those that it would be given. */
  disconnected: number;
  /** Pairs that it did not take. They are kept, and sent again by `redeliver`. */
  undelivered: { endpoint: string; topic: string }[];
  /** The token or session was dead already. */
  already: boolean;
}

/** A page of sessions to list. */
export interface SessionsQuery {
  tenant?: string | undefined;
  subject: string;
  /** What the page before gave as `next`. */
  after?: string | undefined;
  /** 1 to 100; 50 when absent. */
  limit?: number | undefined;
}

/** One page of live sessions, newest first. */
export interface SessionPage {
  sessions: Session[];
  /** Give this as `after` for the next page; absent on the last. */
  next: string | undefined;
}

/** What can change about a subject's credentials. */
export type Trigger = "password" | "email" | "mfa" | "recovery" | "role" | "account_disabled" | "account_deleted";

/** Something about a subject's credentials changed. */
export interface CredentialsChanged {
  tenant?: string | undefined;
  subject: string;
  trigger: Trigger;
  /** The session that made the change, if one did. */
  actingSid?: string | undefined;
  /** When it changed, if the call comes later: sessions begun since are left alone. */
  changedAt?: Timestamp | undefined;
  /** As in {@link SignOutOptions}. */
  disconnectSelf?: boolean | undefined;
}

/** An open connection to look after: fields of its identity, and when storage was last asked about it with success. */
export interface SocketState
  extends Pick<Identity, "jti" | "sid" | "subject" | "purpose" | "kid" | "issuedAt" | "expiresAt" | "epoch"> {
  tenant?: string | undefined;
  verifiedAt: Timestamp;
}

/**
 * What to do with an open connection: leave it open, it was verified now; leave it open but act on nothing it sends, its disconnect comes
 * later; leave it open, storage could not be asked; close it, for this reason.
 */
export type Verdict = "keep" | "mute" | "unverified" | { close: Code };

/** What a sweep decided. */
export interface SweepReport {
  /** One verdict per socket, in order. */
  verdicts: Verdict[];
  /** Why storage could not be asked, when it could not. */
  error: AuthError | undefined;
}

/** What a redelivery did. */
export interface Redelivered {
  delivered: number;
  undelivered: number;
  /** There may be more to send. */
  more: boolean;
}

/** What was deleted. */
export interface Expunged {
  records: number;
  sessions: number;
  cutOffs: number;
  more: boolean;
}

/**
 * Parsed policy and keys over one storage and broadcast. It keeps no decision between calls.
 *
 * Every promise only rejects with an {@link AuthError}; a wrong argument rejects, it does not throw.
 */
export interface Authenticator<Claims extends ExtraClaims = ExtraClaims> {
  /**
   * Reads the subject's epoch; call it before the credential is checked. `issue` given it fails with `sign_in_superseded` when it was
   * raised since.
   */
  beginSignIn(request: BeginSignIn): Promise<SignInGuard>;
  /** Mints a token, after its record is stored. */
  issue(request: Issue<Claims>): Promise<Issued<Claims>>;
  /** Decides whether a token may be used. One storage call at most, none for a token that fails before. */
  authenticate(token: string, options: AuthenticateOptions): Promise<Identity<Claims>>;
  /** {@link Authenticator.authenticate} at once, over a storage that declares `sync: true`; throws instead of rejecting. */
  authenticateSync(token: string, options: AuthenticateOptions): Identity<Claims>;
  /** Decides for a live connection, after it has subscribed to its topic, on fresh storage. */
  admit(token: string, options: AdmitOptions): Promise<Identity<Claims>>;
  /**
   * Kills a token or its whole session, then tells its live connections. A string is a token: its signature, issuer, audience and tenant
   * must verify; time is ignored.
   */
  revoke(target: string | RevokeTarget, options?: RevokeOptions): Promise<Report>;
  /** Kills what a selector means, then tells the live connections. A string is a subject without a tenant. */
  signOutEverywhere(scope: string | SignOutScope, options?: SignOutOptions): Promise<Report>;
  /** What `signOutEverywhere` would do, nothing changed. */
  preview(scope: string | SignOutScope, options?: SignOutOptions): Promise<Report>;
  /** The live sessions of a subject, newest first. */
  sessions(query: SessionsQuery): Promise<SessionPage>;
  /** Does what the policy says for a trigger. Repeating it is harmless. */
  credentialsChanged(request: CredentialsChanged): Promise<Report>;
  /** Which of these open connections to close. A storage error closes nothing and is reported, until the policy's `max_blind` has passed. */
  sweep(sockets: readonly SocketState[]): Promise<SweepReport>;
  /** Sends what was committed but not delivered: call it at start and every second. */
  redeliver(): Promise<Redelivered>;
  /** Deletes one bounded batch of what has been expired for longer than leeway + retention. */
  expunge(limit?: number): Promise<Expunged>;
  /** Frees the memory at once; every later call is refused with `authenticator_closed`. Calls under way end as they would. */
  close(): void;
  /** {@link Authenticator.close}, for `using`. */
  [Symbol.dispose](): void;
}
