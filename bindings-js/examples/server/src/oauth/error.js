// Refusals in OAuth's own format: `{"error", "error_description"}` (RFC 6749 section 5.2).

import { Refusal } from "../errors.js";

export class OAuthError extends Error {
  constructor(status, error, description, { retryAfter, challenge = false } = {}) {
    super(description);
    this.name = "OAuthError";
    this.status = status;
    this.code = error;
    this.retryAfter = retryAfter;
    this.challenge = challenge;
  }

  /** The request is not what the route takes. */
  static invalidRequest(description) {
    return new OAuthError(400, "invalid_request", description);
  }

  /** Nobody is known by this name and secret. One that used the header, or nothing, is told how to. */
  static invalidClient(challenge) {
    const description = "send the client's id and secret: http basic, or client_id and client_secret";
    return new OAuthError(401, "invalid_client", description, { challenge });
  }

  /** The client is known, and may not do this. */
  static unauthorizedClient() {
    return new OAuthError(403, "unauthorized_client", "the client may not do this: see the member may of its entry");
  }

  /** A refusal of the server or the kernel, in this format. */
  static of(error) {
    if (error instanceof OAuthError) return error;
    const { status, message, retryAfter } = Refusal.of(error);
    const name = { 404: "not_found", 429: "slow_down", 503: "temporarily_unavailable" }[status];
    return new OAuthError(status, name ?? (status >= 500 ? "server_error" : "invalid_request"), message, { retryAfter });
  }

  toResponse() {
    const headers = { "content-type": "application/json" };
    if (this.challenge) headers["www-authenticate"] = 'Basic realm="authkernel", charset="UTF-8"';
    if (this.retryAfter !== undefined) headers["retry-after"] = String(this.retryAfter);
    return new Response(JSON.stringify({ error: this.code, error_description: this.message }), { status: this.status, headers });
  }
}
