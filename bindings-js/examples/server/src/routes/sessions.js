// `GET /api/sessions` and `DELETE /api/sessions/{sid}`

import { AuthError } from "authkernel";
import { Refusal } from "../errors.js";
import { callerOf, queryOf } from "../http/credential.js";
import { ended } from "./report.js";

const QUERY = "the query may have after (text) and limit (1 to 100)";

/** The caller's live sessions, newest first, the current one marked. */
export async function list({ app, incoming }) {
  const { identity } = await callerOf(app, incoming);
  const { after, limit } = queryOf(incoming, ["after", "limit"], QUERY);
  if (limit !== undefined && !/^\d{1,9}$/.test(limit)) throw Refusal.because("query_invalid", QUERY);
  const page = await app.auth.sessions({ subject: identity.subject, after, limit: limit === undefined ? undefined : Number(limit) });
  const sessions = page.sessions.map(({ sid, device, createdAt, lastSeen, endsAt }) => ({
    sid,
    device: device ?? null,
    created_at: createdAt,
    last_seen: lastSeen,
    ends_at: endsAt,
    current: sid === identity.sid,
    connections: app.pushes.connections(sid),
  }));
  return Response.json({ sessions, next: page.next ?? null });
}

/** Signs out one of the caller's sessions. Unknown ones and those of others are told apart by nothing. */
export async function end({ app, incoming, client, parameter }) {
  const caller = await callerOf(app, incoming);
  const { subject, sid: actor } = caller.identity;
  const sid = parameter("sid");
  const event = {
    action: "sign_out_session",
    actor: subject,
    actor_sid: actor,
    subject,
    selector: sid,
    reason: "signed_out",
    address: client.address,
  };
  app.acts.begin(subject);
  try {
    const done = await app.auth.revoke({ sid, subject }, { scope: "session" });
    app.audit.report(event, done);
    app.tell(caller.identity, event.action, done);
    return ended(app, caller, done);
  } catch (error) {
    // Whatever cannot name a session of the caller has one answer.
    const refusal = Refusal.of(error instanceof AuthError && error.code === "input_invalid" ? notFound() : error);
    app.audit.refused(event, refusal);
    throw refusal;
  }
}

function notFound() {
  return new AuthError("session_not_found", "not_found", "no such session");
}
