// Which credential a request carries, and who that is: the package's rule, and the kernel's decision.

import { nodeHead, readCredential } from "authkernel/middleware/credential";
import { requireSameOrigin } from "authkernel/middleware/origin";
import { Refusal } from "../errors.js";
import { SESSION_PURPOSE } from "../policy.js";

export const PURPOSES = [SESSION_PURPOSE];

/** The credential of a request: `{kind, token}`. */
export function credentialOf(app, incoming) {
  return readCredential(nodeHead(incoming), { publicUrl: app.settings.publicUrl });
}

/** The credential of a stream of events, which takes a ticket as an upgrade does: a page cannot set the headers of an `EventSource` either. */
export function liveCredentialOf(app, incoming) {
  const head = nodeHead(incoming);
  const asUpgrade = { ...head, values: (name) => (name === "upgrade" ? ["websocket"] : head.values(name)) };
  return readCredential(asUpgrade, { publicUrl: app.settings.publicUrl, ticket: app.tickets.redeem });
}

/** Who sends a request, after the kernel said that the token is good: `{identity, token, isCookie}`. */
export async function callerOf(app, incoming) {
  const { kind, token } = await credentialOf(app, incoming);
  const identity = await app.auth.authenticate(token, { purposes: PURPOSES });
  return { identity, token, isCookie: kind === "cookie" };
}

/** Whether the caller's token is still good: the caller may just have ended its own session. */
export function isLive(app, { token }) {
  return app.auth.authenticate(token, { purposes: PURPOSES }).then(
    () => true,
    () => false,
  );
}

/** Refuses what a browser sent from another origin. */
export function sameOrigin(app, incoming) {
  requireSameOrigin(nodeHead(incoming), app.settings.publicUrl);
}

/** The parameters of a query string, each of them once and known; `text` says what there may be. */
export function queryOf(incoming, names, text) {
  const query = new URLSearchParams(incoming.url.split("?").slice(1).join("?"));
  const found = {};
  for (const [name, value] of query) {
    if (!names.includes(name) || name in found) throw Refusal.because("query_invalid", text);
    found[name] = value;
  }
  return found;
}

/** Whether a query has more than one ticket: then none of them counts, whatever else is in it. */
export function hasSeveralTickets(incoming) {
  return new URLSearchParams(incoming.url.split("?").slice(1).join("?")).getAll("ticket").length > 1;
}

export function severalTickets() {
  return Refusal.because("query_invalid", "the query may have one ticket");
}
