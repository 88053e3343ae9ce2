/** Who sends a request: fetch-standard, for every framework that speaks `Request` and `Response`. */

import type { AuthenticateOptions, Authenticator, ExtraClaims, Identity } from "../requests.js";
import { checkCredentialOptions, fetchHead, readCredential } from "./credential.js";
import type { Credential, CredentialOptions, RequestHead } from "./credential.js";
import { Refusal } from "./refusal.js";

export { Refusal } from "./refusal.js";
export type { RequestCode } from "./refusal.js";
export type { Credential, CredentialOptions, RequestHead } from "./credential.js";

/** Which requests are let through. */
export interface GuardOptions extends AuthenticateOptions, CredentialOptions {}

/** Who sends a request, or the answer to refuse it with. */
export type Guarded<Claims extends ExtraClaims = ExtraClaims> =
  | {
      readonly ok: true;
      /** Who. */
      readonly identity: Identity<Claims>;
      /** With which kind of credential. */
      readonly credential: Credential["kind"];
    }
  | {
      readonly ok: false;
      /** Why not. */
      readonly refusal: Refusal;
      /** The refusal as an answer: status, headers, and `{"error": {"code", "message"}}`. */
      readonly response: Response;
    };

/** Decides about requests. */
export interface Guard<Claims extends ExtraClaims = ExtraClaims> {
  /** Never rejects: a defect is a refusal with the code `internal`, and its cause. */
  (request: { readonly headers: Headers; readonly url: string }): Promise<Guarded<Claims>>;
  /** The same for a request of any framework; rejects with a {@link Refusal}. */
  check(head: RequestHead): Promise<{ identity: Identity<Claims>; credential: Credential["kind"] }>;
}

/**
 * Makes a guard: takes the token from the `Authorization` header or the session cookie (from the same origin only), on socket upgrades also
 * from a ticket or a subprotocol if the options say so, and asks the authenticator.
 *
 * @example
 * ```ts
 * import { createGuard } from "authkernel/middleware";
 *
 * const guard = createGuard(auth, { purposes: ["user"] });
 *
 * export default {
 *   async fetch(request: Request): Promise<Response> {
 *     const who = await guard(request);
 *     if (!who.ok) return who.response;
 *     return Response.json({ subject: who.identity.subject });
 *   },
 * };
 * ```
 */
export function createGuard<Claims extends ExtraClaims = ExtraClaims>(
  auth: Pick<Authenticator<Claims>, "authenticate">,
  options: GuardOptions,
): Guard<Claims> {
  if (typeof auth?.authenticate !== "function") throw new TypeError("createGuard needs an authenticator");
  if (!Array.isArray(options?.purposes) || options.purposes.length === 0) throw new TypeError("purposes must name at least one purpose");
  checkCredentialOptions(options);
  const { purposes, tenant } = options;

  async function check(head: RequestHead): Promise<{ identity: Identity<Claims>; credential: Credential["kind"] }> {
    try {
      const { token, kind } = await readCredential(head, options);
      return { identity: await auth.authenticate(token, { purposes, tenant }), credential: kind };
    } catch (error) {
      throw Refusal.of(error);
    }
  }

  async function guard(request: { readonly headers: Headers; readonly url: string }): Promise<Guarded<Claims>> {
    try {
      return { ok: true, ...(await check(fetchHead(request))) };
    } catch (error) {
      const refusal = Refusal.of(error);
      return { ok: false, refusal, response: refusal.toResponse() };
    }
  }

  return Object.assign(guard, { check });
}
