/** The guard as a Fastify hook, for 5. */

import type { Authenticator, ExtraClaims, Identity } from "../requests.js";
import { nodeHead } from "./credential.js";
import type { NodeRequest } from "./credential.js";
import { createGuard } from "./index.js";
import type { GuardOptions } from "./index.js";
import { Refusal } from "./refusal.js";

/** What is needed of Fastify's `FastifyRequest`. */
export interface FastifyGuardRequest {
  readonly raw: NodeRequest;
}

/** What is needed of Fastify's `FastifyReply`. */
export interface FastifyGuardReply {
  code(status: number): unknown;
  headers(headers: Record<string, string>): unknown;
  send(body: string): unknown;
}

const identities = new WeakMap<object, Identity>();

/**
 * Who sends a request that a {@link guard} let through.
 *
 * @throws Error where no guard was: a route without one must not take anybody for somebody.
 *
 * @example
 * ```ts
 * import { identityOf } from "authkernel/middleware/fastify";
 *
 * app.get("/me", async (request) => ({ subject: identityOf(request).subject }));
 * ```
 */
export function identityOf<Claims extends ExtraClaims = ExtraClaims>(request: object): Identity<Claims> {
  const identity = identities.get(request);
  if (!identity) throw new Error("no guard let this request through: add its hook to the route");
  return identity as Identity<Claims>;
}

/**
 * Makes an `onRequest` hook, which refuses before a body is read.
 *
 * @example
 * ```ts
 * import Fastify from "fastify";
 * import { guard, identityOf } from "authkernel/middleware/fastify";
 *
 * const app = Fastify();
 * app.register(async (api) => {
 *   api.addHook("onRequest", guard(auth, { purposes: ["user"] }));
 *   api.get("/api/me", async (request) => ({ subject: identityOf(request).subject }));
 * });
 * ```
 */
export function guard<Claims extends ExtraClaims = ExtraClaims>(
  auth: Pick<Authenticator<Claims>, "authenticate">,
  options: GuardOptions,
): (request: FastifyGuardRequest, reply: FastifyGuardReply) => Promise<unknown> {
  const { check } = createGuard(auth, options);
  return async (request, reply) => {
    try {
      identities.set(request, (await check(nodeHead(request.raw))).identity);
      return undefined;
    } catch (error) {
      const refusal = Refusal.of(error);
      reply.code(refusal.status);
      reply.headers(refusal.headers());
      // A hook that answers hands the reply back, so that nothing else runs.
      reply.send(refusal.body());
      return reply;
    }
  };
}
