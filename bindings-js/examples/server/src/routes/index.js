// The routes, one group a file: path, method, handler.

import { openPage } from "../page.js";
import * as credentials from "./credentials.js";
import * as health from "./health.js";
import { jwks } from "./jwks.js";
import { events } from "./live-events.js";
import { LIVE, plain } from "./live.js";
import { me } from "./me.js";
import * as oauth from "./oauth.js";
import * as phoenix from "./phoenix.js";
import { register } from "./register.js";
import * as session from "./session.js";
import * as sessions from "./sessions.js";
import { signIn } from "./sign-in.js";
import { signOutEverywhere } from "./sign-out-everywhere.js";
import { give } from "./socket-ticket.js";
import { signOut } from "./subjects.js";

/** Everything that the server answers; a handler takes `{app, incoming, outgoing, client, parameter(name), rawParameter(name)}`. */
export function routes() {
  const page = openPage();
  return [
    ["/api/register", { POST: register }],
    ["/api/sign-in", { POST: signIn }],
    ["/api/me", { GET: me }],
    ["/api/sessions", { GET: sessions.list }],
    ["/api/sessions/{sid}", { DELETE: sessions.end }],
    ["/api/session", { DELETE: session.end }],
    ["/api/sign-out-everywhere", { POST: signOutEverywhere }],
    ["/api/password", { POST: credentials.password }],
    ["/api/email", { POST: credentials.email }],
    ["/api/socket-ticket", { POST: give }],
    [LIVE, { GET: plain }],
    ["/live/events", { GET: events }],
    [phoenix.PHOENIX, { GET: phoenix.plain }],
    ["/.well-known/jwks.json", { GET: jwks }],
    ["/oauth/revoke", { POST: oauth.revoke }],
    ["/oauth/introspect", { POST: oauth.introspect }],
    ["/admin/subjects/{subject}/sign-out", { POST: signOut }],
    ["/healthz", { GET: health.health }],
    ["/metrics", { GET: health.metrics }],
    ["/", { GET: page.index }],
    ["/assets/{name}", { GET: page.asset }],
  ];
}
