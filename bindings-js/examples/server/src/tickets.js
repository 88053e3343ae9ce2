// Tickets for live connections: a browser cannot set headers on a WebSocket, and a token has no place in a URL.

import { createHash, randomBytes } from "node:crypto";
import { AuthError } from "authkernel";

/** How long a ticket is good, in seconds. */
export const LIFETIME = 30;
/** Tickets that are remembered at most. */
const TOTAL = 16_384;
/** Tickets of one session that are remembered at most; the oldest goes first. */
const PER_SESSION = 32;

/** Tickets that were given out and not yet used. Only their hashes are kept. */
export function createTickets(now = () => performance.now() / 1000) {
  /** In the order in which they were given, which is that of their ends. */
  const open = new Map();
  const tickets = {
    /** A new ticket that stands for a token: 128 random bits, good once, for 30 s. */
    give(sid, token) {
      if (open.size >= TOTAL) tickets.forgetExpired();
      if (open.size >= TOTAL) throw new AuthError("overloaded", "unavailable", "too many calls are waiting: try again later");
      const own = [...open].filter(([, ticket]) => ticket.sid === sid);
      if (own.length >= PER_SESSION) open.delete(own[0][0]);
      const ticket = randomBytes(16).toString("base64url");
      open.set(hash(ticket), { sid, token, until: now() + LIFETIME });
      return ticket;
    },
    /** The token that a ticket stands for, if it stands for one. It is used with this, whatever becomes of the request. */
    redeem(ticket) {
      const name = hash(ticket);
      const found = open.get(name);
      open.delete(name);
      return found !== undefined && found.until > now() ? found.token : undefined;
    },
    /** Forgets the tickets that have expired. */
    forgetExpired() {
      const moment = now();
      for (const [name, { until }] of open) {
        if (until > moment) return;
        open.delete(name);
      }
    },
  };
  return tickets;
}

function hash(ticket) {
  return createHash("sha256").update(ticket).digest("base64");
}
