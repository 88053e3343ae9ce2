// Around every request: a time limit, headers that every answer has, and one log line without any secret.

import { Refusal } from "../errors.js";

const HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Runs requests. Their path is logged as the route's, their query and headers never are. */
export function observed(app, run) {
  const limit = app.settings.requestSeconds * 1000;
  return async (request, env) => {
    const began = performance.now();
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve(app.answer(env, Refusal.because("request_timeout"))), limit);
    });
    const response = await Promise.race([run(request, env), late]);
    clearTimeout(timer);
    for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
    // Answers are about one caller, unless a file says otherwise.
    if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
    // What was not read of the body is not waited for.
    if (app.isStopping || !env.incoming.complete) response.headers.set("connection", "close");
    note(app, { method: env.incoming.method, route: env.route, status: response.status, code: env.code, took: performance.now() - began });
    return response;
  };
}

/** Counts and logs a request that was answered. */
export function note(app, { method, route = "-", status, code, took }) {
  app.metrics.request(method, route, status, took);
  const fields = { method, route, status, code: code ?? "", ms: Math.round(took * 1000) / 1000 };
  if (status >= 500) app.log.warn("request failed", fields);
  else app.log.debug("request", fields);
}
