// The routes over Hono: from a request to its handler, and from whatever it throws to an answer.

import { Hono } from "hono";
import { clientOf } from "../client.js";
import { Refusal } from "../errors.js";
import { OAuthError } from "../oauth/error.js";
import { observed } from "./observe.js";

/** The fetch function of the server; `env` has the `incoming` and `outgoing` of Node. */
export function application(app, routes) {
  const hono = new Hono();
  /** The answer to what a handler threw. A defect is logged, never shown. */
  app.answer = (env, error) => {
    const refusal = error instanceof OAuthError ? error : Refusal.of(error);
    if (refusal.code === "internal") app.log.error("a request failed", { error: refusal.cause ?? error });
    else if (refusal.status >= 500 && refusal.cause) app.log.error("a request was refused", { code: refusal.code, error: refusal.cause });
    env.code = refusal.code;
    return refusal.toResponse();
  };

  for (const [path, handlers] of routes) {
    const pattern = path.replace(/\{(\w+)\}/g, ":$1");
    for (const [method, handle] of Object.entries(handlers)) {
      hono.on(method, pattern, async ({ env, req }) => {
        env.route = path;
        const { incoming, outgoing } = env;
        const client = clientOf(incoming, app.settings.clientAddressHeader);
        const rawParameter = (name) => incoming.url.split("?", 1)[0].split("/")[path.split("/").indexOf(`{${name}}`)];
        return handle({ app, incoming, outgoing, client, parameter: (name) => req.param(name), rawParameter });
      });
    }
    const allow = Object.keys(handlers)
      .map((method) => (method === "GET" ? "GET,HEAD" : method))
      .join(",");
    hono.all(pattern, ({ env }) => {
      env.route = path;
      const response = app.answer(env, Refusal.because("method_not_allowed"));
      response.headers.set("allow", allow);
      return response;
    });
  }
  hono.notFound(({ env }) => app.answer(env, Refusal.because("not_found")));
  hono.onError((error, { env }) => app.answer(env, error));
  return observed(app, (request, env) => hono.fetch(request, env));
}
