import { AuthError } from "../errors.js";
import type { Code, Kind } from "../errors.js";

/** Why a request is refused before the kernel is asked, or by whoever carries it; all other codes are the kernel's. */
export type RequestCode =
  | "origin_refused"
  | "credential_missing"
  | "credential_ambiguous"
  | "authorization_invalid"
  | "ticket_invalid"
  | "upgrade_required"
  | "internal";

const REQUEST_CODES: Record<RequestCode, readonly [status: number, message: string]> = {
  origin_refused: [403, "the request comes from another origin: a server behind a proxy needs its public url"],
  credential_missing: [401, "send a token: authorization: Bearer, or the cookie of a sign-in"],
  credential_ambiguous: [401, "several authorization headers or session cookies were sent: send one"],
  authorization_invalid: [401, "the authorization header must be: Bearer, a space, and the token"],
  ticket_invalid: [401, "the ticket is unknown, used or expired: ask for a new one"],
  upgrade_required: [426, "this route speaks the websocket protocol: send an upgrade request"],
  internal: [500, "the server failed: see its log"],
};

const STATUS: Record<Kind, number> = {
  denied: 401,
  input: 422,
  not_found: 404,
  conflict: 409,
  unavailable: 503,
  internal: 500,
  configuration: 500,
};

/**
 * A request that is refused: a status, a stable code and a message, answered as `{"error": {"code", "message"}}`.
 *
 * @example
 * ```ts
 * import { Refusal } from "authkernel/middleware";
 *
 * try {
 *   return await handle(request);
 * } catch (error) {
 *   return Refusal.of(error).toResponse();
 * }
 * ```
 */
export class Refusal extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** The stable code: the kernel's, or one of {@link RequestCode}. */
  readonly code: Code | RequestCode;

  private constructor(status: number, code: Code | RequestCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "Refusal";
    this.status = status;
    this.code = code;
  }

  /** A refusal of the request itself. */
  static because(code: RequestCode, cause?: unknown): Refusal {
    const [status, message] = REQUEST_CODES[code];
    return new Refusal(status, code, message, cause);
  }

  /**
   * What an error means for the request. The kernel's keep code and message, with the status that {@link AuthError.kind} says; anything
   * else is a defect, and its text stays with the server, as the cause.
   */
  static of(error: unknown): Refusal {
    if (error instanceof Refusal) return error;
    if (error instanceof AuthError) return new Refusal(STATUS[error.kind] ?? 500, error.code, error.message, error);
    return Refusal.because("internal", error);
  }

  /** The body, as text. */
  body(): string {
    return JSON.stringify({ error: { code: this.code, message: this.message } });
  }

  /** The headers, in lower case, without the length. */
  headers(): Record<string, string> {
    const headers: Record<string, string> = { "content-type": "application/json", "cache-control": "no-store" };
    // RFC 6750 section 3.1: where nothing was sent, there is no error to name.
    if (this.status === 401) {
      headers["www-authenticate"] = this.code === "credential_missing" ? "Bearer" : 'Bearer error="invalid_token"';
    }
    if (this.status === 503) headers["retry-after"] = "1";
    if (this.status === 426) headers["upgrade"] = "websocket";
    return headers;
  }

  /** The answer, for everything that speaks `Request` and `Response`. */
  toResponse(): Response {
    return new Response(this.body(), { status: this.status, headers: this.headers() });
  }
}
