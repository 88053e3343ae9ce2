// `POST /api/socket-ticket`

import { callerOf } from "../http/credential.js";
import { LIFETIME } from "../tickets.js";

/** A ticket for one live connection of the caller. */
export async function give({ app, incoming }) {
  const { identity, token } = await callerOf(app, incoming);
  return Response.json({ ticket: app.tickets.give(identity.sid, token), expires_in: LIFETIME });
}
