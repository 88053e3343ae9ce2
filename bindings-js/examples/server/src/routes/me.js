// `GET /api/me`

import { callerOf } from "../http/credential.js";

/** Who the caller is. */
export async function me({ app, incoming }) {
  const { identity } = await callerOf(app, incoming);
  const { subject, sid, jti, purpose, socketId, issuedAt, expiresAt, deadline, claims } = identity;
  return Response.json({
    subject,
    email: app.accounts.bySubject(subject)?.email ?? null,
    sid,
    jti,
    purpose,
    socket_id: socketId ?? null,
    issued_at: issuedAt,
    expires_at: expiresAt,
    deadline,
    claims,
  });
}
