// The answer of everything that signs out.

import { clearing } from "../http/cookie.js";
import { isLive } from "../http/credential.js";

const NO_REPORT = { revoked: 0, disconnected: 0, undelivered: [] };

/** The three counts. */
export function counts({ revoked, disconnected, undelivered } = NO_REPORT) {
  return { revoked, disconnected, undelivered: undelivered.length };
}

/** The three counts and what became of the caller's own session: a browser whose session has ended forgets it. */
export function ended(app, caller, report) {
  return withSession(app, caller, 200, counts(report));
}

/** The credential is changed, its sign-out is owed and will be done: 202, `pending` and no counts yet. */
export function pending(app, caller) {
  return withSession(app, caller, 202, { ...counts(), pending: true });
}

async function withSession(app, caller, status, body) {
  const live = await isLive(app, caller);
  const response = Response.json({ ...body, current_session: live ? "live" : "ended" }, { status });
  if (!live && caller.isCookie) response.headers.append("set-cookie", clearing(app.isSecure));
  return response;
}
