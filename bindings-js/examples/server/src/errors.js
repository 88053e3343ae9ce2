// Every refusal of the server: a status, a stable code, and a message that says what to do. The kernel's own keep their code.

import { AuthError } from "authkernel";
import { Refusal as RequestRefusal } from "authkernel/middleware";

/** The codes that only the server has, with the status and the message that they are answered with. */
export const CODES = {
  // The request
  not_found: [404, "no such route"],
  method_not_allowed: [405, "the route does not have this method: see the header allow"],
  body_invalid: [400, "the body is not the json that this route takes"],
  body_too_large: [413, "the body is larger than 16384 bytes"],
  content_type_invalid: [415, "send the header content-type: application/json"],
  query_invalid: [400, "the query string is not what this route takes"],
  request_timeout: [408, "the request took too long: send it again"],
  upgrade_required: [426, "this route speaks the websocket protocol: send an upgrade request"],
  rate_limited: [429, "too many tries: wait as the header retry-after says"],
  stopping: [503, "the server is about to stop: try again"],
  // The credential
  origin_refused: [403, "the request comes from another origin: a server behind a proxy needs --public-url"],
  credential_missing: [401, "send a token: authorization: Bearer, or the cookie of a sign-in"],
  credential_ambiguous: [401, "several authorization headers or session cookies were sent: send one"],
  authorization_invalid: [401, "the authorization header must be: Bearer, a space, and the token"],
  ticket_invalid: [401, "the ticket is unknown, used or older than 30 s: ask for a new one"],
  // Accounts
  credentials_invalid: [401, "the e-mail or the password is wrong"],
  password_wrong: [403, "the current password is wrong"],
  password_weak: [422, "choose a password of at least 8 characters and at most 1024 bytes that is not your e-mail address"],
  email_invalid: [422, "this is not an e-mail address: ascii only, name@domain, at most 254 characters"],
  email_taken: [409, "there is an account with this e-mail address: sign in"],
  account_changed: [409, "the account was changed meanwhile: look at it and try again"],
  // The server
  internal: [500, "the server failed: see its log"],
};

/** What the kinds of the kernel's codes are answered with. */
const STATUS = { denied: 401, input: 422, not_found: 404, conflict: 409, unavailable: 503, configuration: 500, internal: 500 };

/** A request that is refused. Answered as `{"error": {"code", "message"}}`. */
export class Refusal extends Error {
  constructor(status, code, message, { retryAfter, kind, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "Refusal";
    this.status = status;
    this.code = code;
    /** Seconds until it may be tried again, where that is known. */
    this.retryAfter = retryAfter;
    /** The kind of a code of the kernel. */
    this.kind = kind;
  }

  /** One of the server's own. The message must hold no secret. */
  static because(code, message = CODES[code][1], options) {
    return new Refusal(CODES[code][0], code, message, options);
  }

  /** What an error means for the request. Anything unknown is a defect: its text stays with the server, as the cause. */
  static of(error) {
    if (error instanceof Refusal) return error;
    if (error instanceof AuthError) {
      const { kind, code, message } = error;
      return new Refusal(STATUS[kind] ?? 500, code, message, { kind, cause: error, retryAfter: kind === "unavailable" ? 1 : undefined });
    }
    if (error instanceof RequestRefusal) {
      if (error.cause instanceof AuthError) return Refusal.of(error.cause);
      return Refusal.because(error.code in CODES ? error.code : "internal", undefined, { cause: error.cause });
    }
    return Refusal.because("internal", undefined, { cause: error });
  }

  toResponse() {
    const headers = { "content-type": "application/json" };
    if (this.status === 401) headers["www-authenticate"] = "Bearer";
    if (this.status === 426) headers.upgrade = "websocket";
    if (this.retryAfter !== undefined) headers["retry-after"] = String(this.retryAfter);
    const { code, message } = this;
    return new Response(JSON.stringify({ error: { code, message } }), { status: this.status, headers });
  }
}

/** Why the server did not start. With `configuration` a flag, the policy or the keys are wrong. */
export class StartError extends Error {
  constructor(message, { configuration = false, cause } = {}) {
    super(message, { cause });
    this.name = "StartError";
    this.exitCode = configuration ? 2 : 1;
  }
}
