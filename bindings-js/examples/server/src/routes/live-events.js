// `GET /live/events`: a live connection as server-sent events.

import { Refusal } from "../errors.js";
import { hasSeveralTickets, liveCredentialOf, PURPOSES, severalTickets } from "../http/credential.js";
import { hello } from "../pushes.js";
import { auditRefused } from "./live.js";

/** How often a comment is sent, in milliseconds, so that nobody takes the silence for an end. */
const PING_EVERY = 25_000;
/** How many bytes may wait for a peer that does not read before it misses what comes. */
const SLOW = 64 * 1024;

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
  const headers = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    // The TCP connection belongs to this response alone, and ends with it.
    connection: "close",
    // The widespread proxy that gathers responses by default understands this.
    "x-accel-buffering": "no",
  };
  if (incoming.method === "HEAD" || outgoing.destroyed) {
    live.release();
    return new Response(null, { headers });
  }
  return new Response(stream(app, live, outgoing), { headers });
}

/** The events of one connection, until it ends. */
function stream(app, live, outgoing) {
  const encoder = new TextEncoder();
  let over = () => undefined;
  const size = { highWaterMark: SLOW, size: (chunk) => chunk.length };
  return new ReadableStream(
    {
      start(controller) {
        let open = true;
        const cut = () => outgoing.destroy();
        const send = (text) => {
          if (!open || controller.desiredSize <= 0) return false;
          controller.enqueue(encoder.encode(text));
          return true;
        };
        const say = (text) => send(`data: ${text}\n\n`);
        say(JSON.stringify(hello(live.identity)));
        const unsubscribe = app.pushes.subscribe(live.identity, say);
        // A peer that has not read since the last one is not there any more.
        const ping = setInterval(() => send(":\n\n") || cut(), PING_EVERY).unref();
        over = () => {
          open = false;
          clearInterval(ping);
          unsubscribe();
          live.release();
        };
        outgoing.once("close", () => over());
        live.attach({
          close(code, reason) {
            // The last message: on a WebSocket the close frame says it.
            if (!say(JSON.stringify({ type: "close", code, reason }))) return cut();
            open = false;
            controller.close();
          },
          terminate: cut,
        });
      },
      cancel: () => over(),
    },
    size,
  );
}
