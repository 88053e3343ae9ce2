/** The guard as Express middleware, for 4 and 5. */

import type { Authenticator, ExtraClaims, Identity } from "../requests.js";
import { nodeHead } from "./credential.js";
import type { NodeRequest } from "./credential.js";
import { createGuard } from "./index.js";
import type { GuardOptions } from "./index.js";
import { Refusal } from "./refusal.js";

/** What is needed of Express's `Request`. */
export interface ExpressRequest extends NodeRequest {
  readonly originalUrl: string;
}

/** What is needed of Express's `Response`. */
export interface ExpressResponse {
  readonly locals: Record<string, any>;
  status(status: number): unknown;
  set(headers: Record<string, string>): unknown;
  send(body: string): unknown;
}

/**
 * Makes middleware that puts who sends the request into `response.locals.identity`, or answers the refusal.
 *
 * @example
 * ```ts
 * import express from "express";
 * import { guard } from "authkernel/middleware/express";
 *
 * const app = express();
 * app.use("/api", guard(auth, { purposes: ["user"] }));
 * app.get("/api/me", (_request, response) => {
 *   response.json({ subject: response.locals.identity.subject });
 * });
 * ```
 */
export function guard<Claims extends ExtraClaims = ExtraClaims>(
  auth: Pick<Authenticator<Claims>, "authenticate">,
  options: GuardOptions,
): (request: ExpressRequest, response: ExpressResponse, next: (error?: unknown) => void) => void {
  const { check } = createGuard(auth, options);
  return (request, response, next) => {
    // Express 4 does not wait for promises: every outcome is handled here.
    check(nodeHead(request, request.originalUrl)).then(
      ({ identity }: { identity: Identity<Claims> }) => {
        response.locals["identity"] = identity;
        next();
      },
      (error: unknown) => {
        const refusal = Refusal.of(error);
        response.status(refusal.status);
        response.set(refusal.headers());
        response.send(refusal.body());
      },
    );
  };
}
