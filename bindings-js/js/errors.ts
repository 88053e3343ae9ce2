/** Every reason for which the kernel or its host refuses, in one list: the same texts in Rust, in WIT (with hyphens) and here. */
export const CODES = [
  "token_malformed",
  "token_too_large",
  "header_refused",
  "algorithm_refused",
  "key_unknown",
  "key_revoked",
  "signature_invalid",
  "claim_missing",
  "claim_type",
  "issuer_mismatch",
  "audience_mismatch",
  "tenant_mismatch",
  "token_expired",
  "token_not_yet_valid",
  "token_issued_in_future",
  "token_lifetime_exceeded",
  "purpose_unknown",
  "purpose_not_allowed",
  "act_bound",
  "token_not_found",
  "token_revoked",
  "token_consumed",
  "session_ended",
  "token_cut_off",
  "record_mismatch",
  "socket_mismatch",
  "sign_in_superseded",
  "session_not_found",
  "input_invalid",
  "purpose_invalid",
  "claims_invalid",
  "claim_reserved",
  "lifetime_invalid",
  "socket_id_invalid",
  "selector_invalid",
  "trigger_unknown",
  "cursor_invalid",
  "signing_key_missing",
  "authenticator_closed",
  "policy_invalid",
  "policy_not_supported",
  "keys_invalid",
  "storage_unavailable",
  "storage_conflict",
  "storage_failed",
  "random_unavailable",
  "overloaded",
  "outcome_unknown",
  "kernel_unavailable",
] as const;

/** A stable code: it never changes its meaning. */
export type Code = (typeof CODES)[number];

/**
 * What kind of refusal a code is; what a service answers follows from it: `denied` 401, `input` 422, `not_found` 404, `conflict` 409,
 * `unavailable` 503, `internal` 500. `configuration`: the process should not start.
 */
export type Kind = "denied" | "input" | "not_found" | "conflict" | "configuration" | "unavailable" | "internal";

const authErrors = Symbol.for("authkernel.AuthError");
const storageErrors = Symbol.for("authkernel.StorageError");

/** Marks a class so that `instanceof` also knows the instances of another copy of this package in the same process. */
function branded(value: unknown, brand: symbol): boolean {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[brand] === true;
}

/**
 * Why something was refused: a stable {@link AuthError.code} and a message that says what to do, in lower case, without any secret.
 *
 * @example
 * ```ts
 * import { AuthError } from "authkernel";
 *
 * try {
 *   await auth.authenticate(token, { purposes: ["user"] });
 * } catch (error) {
 *   if (error instanceof AuthError && error.code === "token_revoked") return signInAgain();
 *   throw error;
 * }
 * ```
 */
export class AuthError extends Error {
  /** The stable code. */
  readonly code: Code;
  /** What kind of refusal it is. */
  readonly kind: Kind;
  /** Makes the error; applications seldom need to. */
  constructor(code: Code, kind: Kind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "AuthError";
    this.code = code;
    this.kind = kind;
  }
  /** @internal */
  get [authErrors](): boolean {
    return true;
  }
  /** Whether a value is an `AuthError`, also of another copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return branded(value, authErrors);
  }
}

/** Which condition of an insertion no longer holds: the subject's epoch was raised, or the session cannot be joined. */
export type Guard = "epoch" | "session";

/**
 * Why a storage could not do what was asked; nothing was changed. Storages throw it.
 *
 * - `unavailable`: not reachable, busy or full now; the same call may succeed later
 * - `conflict`: an identifier that must be new is known already
 * - `guard_failed`: a condition of the call no longer holds; {@link StorageError.guard} says which
 * - `other`: anything else
 *
 * @example
 * ```ts
 * import { StorageError } from "authkernel";
 *
 * throw new StorageError("unavailable", "the database does not answer", { cause: error });
 * ```
 */
export class StorageError extends Error {
  /** Which of the cases it is. */
  readonly kind: "unavailable" | "conflict" | "guard_failed" | "other";
  /** With `guard_failed`: which condition. */
  readonly guard: Guard | undefined;
  /** Makes the error. The message is for logs; no secret belongs into it. */
  constructor(
    kind: "unavailable" | "conflict" | "guard_failed" | "other",
    message: string = kind,
    options?: { guard?: Guard; cause?: unknown },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "StorageError";
    this.kind = kind;
    this.guard = options?.guard;
  }
  /** @internal */
  get [storageErrors](): boolean {
    return true;
  }
  /** Whether a value is a `StorageError`, also of another copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return branded(value, storageErrors);
  }
}
