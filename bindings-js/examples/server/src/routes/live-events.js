// `GET /live/events`: a live connection as server-sent events.

import { serveEvents } from "authkernel/sockets/events";
import { Refusal } from "../errors.js";
import { hasSeveralTickets, liveCredentialOf, PURPOSES, severalTickets } from "../http/credential.js";
import { hello } from "../pushes.js";
import { auditRefused } from "./live.js";

/** Opens a stream of events, or refuses it. */
export async function events({ app, incoming, outgoing }) {
  let live;
  try {
    if (hasSeveralTickets(incoming)) throw severalTickets();
    const { token } = await liveCredentialOf(app, incoming);
    live = await app.live.open(token, { purposes: PURPOSES });
  } catch (error) {
    const refusal = Refusal.of(error);
    auditRefused(app, refusal, incoming);
    throw refusal;
  }
  const response = serveEvents(live, {
    outgoing,
    connected(stream, { identity }) {
      stream.send(JSON.stringify(hello(identity)));
      return app.pushes.subscribe(identity, (text) => stream.send(text));
    },
    // The last message: on a WebSocket the close frame says it.
    farewell: ({ code, reason }) => ({ data: JSON.stringify({ type: "close", code, reason }) }),
  });
  // Who asks for the head alone has opened nothing; cancelling what nobody reads ends it.
  if (incoming.method === "HEAD") await response.body?.cancel();
  // The TCP connection belongs to this response alone, and ends with it.
  response.headers.set("connection", "close");
  return response;
}
