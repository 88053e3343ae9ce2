/** The guard as Hono middleware. */

import type { Authenticator, ExtraClaims, Identity } from "../requests.js";
import { fetchHead, nodeHead } from "./credential.js";
import type { NodeRequest } from "./credential.js";
import { createGuard } from "./index.js";
import type { GuardOptions } from "./index.js";
import { Refusal } from "./refusal.js";

/** What is needed of Hono's `Context`. */
export interface HonoGuardContext {
  readonly req: { readonly raw: Request };
  readonly env: any;
  set(key: "identity", value: any): void;
}

/** What the middleware puts into the context's variables: `new Hono<GuardEnv>()`. */
export interface GuardEnv<Claims extends ExtraClaims = ExtraClaims> {
  Variables: { identity: Identity<Claims> };
}

/**
 * Makes middleware that sets `identity`, or answers the refusal; before an upgrade it refuses the upgrade.
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { guard, type GuardEnv } from "authkernel/middleware/hono";
 *
 * const app = new Hono<GuardEnv>();
 * app.use("/api/*", guard(auth, { purposes: ["user"] }));
 * app.get("/api/me", (context) => context.json({ subject: context.get("identity").subject }));
 * ```
 */
export function guard<Claims extends ExtraClaims = ExtraClaims>(
  auth: Pick<Authenticator<Claims>, "authenticate">,
  options: GuardOptions,
): (context: HonoGuardContext, next: () => Promise<void>) => Promise<Response | undefined> {
  const { check } = createGuard(auth, options);
  return async (context, next) => {
    // On Node the request as it came keeps apart what a fetch-standard one joins.
    const incoming: Partial<NodeRequest> | undefined = context.env?.incoming;
    const onNode = incoming?.headersDistinct && incoming.socket;
    try {
      const { identity } = await check(onNode ? nodeHead(incoming as NodeRequest) : fetchHead(context.req.raw));
      context.set("identity", identity);
    } catch (error) {
      return Refusal.of(error).toResponse();
    }
    await next();
    return undefined;
  };
}
