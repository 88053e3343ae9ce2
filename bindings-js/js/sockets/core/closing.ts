import { AuthError } from "../../errors.js";
import type { Code } from "../../errors.js";

/**
 * Why a connection has to close.
 *
 * - `revoked`: its token, session or key was revoked or cut off
 * - `expired`: its token has expired
 * - `muted_timeout`: it was left open to be told of a sign-out that it had asked for itself, and that time is over
 * - `unverified`: storage could not be asked about it for longer than the policy's `max_blind`
 * - `shutdown`: the process is shutting down
 */
export type Reason = "revoked" | "expired" | "muted_timeout" | "unverified" | "shutdown";

/** That a connection has to close. From the moment this exists, nothing it sends may be acted on. */
export interface Closing {
  /** Why. */
  readonly reason: Reason;
  /** The kernel's code, where a decision of the kernel was the cause. */
  readonly code?: Code | undefined;
  /** When the close was asked for, on the clock of `performance.now()`. */
  readonly askedAt: number;
  /** When the connection is cut if its peer has not closed it by then, on the same clock. */
  readonly cutAt: number;
}

/** What the peer of a connection that has to close is told. */
export interface Farewell {
  /** A WebSocket close code: 1000, or 3000 to 4999 (other codes are refused by browser-style sockets). */
  code: number;
  /** At most 123 bytes. */
  reason: string;
}

/** The farewell unless the application chooses another: 4001 means "sign in again", the others "connect again". */
export function defaultFarewell({ reason }: Pick<Closing, "reason">): Farewell {
  switch (reason) {
    case "revoked":
    case "muted_timeout":
      return { code: 4001, reason: "revoked" };
    case "expired":
      return { code: 4001, reason: "expired" };
    case "unverified":
      return { code: 1013, reason: "unverified" };
    case "shutdown":
      return { code: 1001, reason: "shutdown" };
  }
}

/** What the kernel's decision to close means for the peer. */
export function reasonOf(code: Code): Reason {
  if (code === "token_expired") return "expired";
  return code === "storage_unavailable" || code === "storage_failed" ? "unverified" : "revoked";
}

/** The same as an answer to whoever wanted to open or prolong the connection. */
export function refusalOf(closing: Closing | undefined): AuthError {
  if (closing?.code === "storage_failed") return new AuthError("storage_failed", "internal", "storage answered with an error: see its log");
  switch (closing?.reason) {
    case undefined:
      return new AuthError("session_ended", "denied", "the session has ended: sign in again");
    case "revoked":
    case "muted_timeout":
      return new AuthError(closing?.code ?? "token_revoked", "denied", "the token was revoked: sign in again");
    case "expired":
      return new AuthError("token_expired", "denied", "the token has expired: get a new one");
    case "unverified":
      return new AuthError("storage_unavailable", "unavailable", "storage is not reachable now: try again");
    case "shutdown":
      return shuttingDown();
  }
}

/** The answer to whoever connects to a process that is about to end. */
export function shuttingDown(): AuthError {
  return new AuthError("kernel_unavailable", "unavailable", "this process is shutting down: connect again");
}
