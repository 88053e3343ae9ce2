// Tells the live connections of an account what became of its others.

import { SESSIONS } from "./pushes.js";

/** How long events are gathered, in milliseconds, so that many at once become one message. */
const GATHERED = 20;
/** How many closed connections one message names. */
const NAMED = 50;
/** With more connections than this an account is not told of each that comes and goes. */
const CROWD = 100;
/**
 * How long the news of a crowd are kept back, in milliseconds. While thousands are closed each message would go to thousands, that are about
 * to be closed themselves, and delay them.
 */
const KEPT_BACK = 1_000;

/** Listens to the registry: `note` takes its events. */
export function createCloses({ pushes, acts }) {
  const news = new Map();
  let timer;

  function flush() {
    timer = undefined;
    for (const [subject, lately] of news) if (tell(subject, lately)) news.delete(subject);
    if (news.size > 0) arm(KEPT_BACK);
  }

  function arm(after) {
    timer ??= setTimeout(flush, after).unref();
  }

  /** Tells an account's connections, unless they are a crowd and the news are young; whether they are old news now. */
  function tell(subject, { since, closed, count }) {
    const crowd = pushes.listeners(subject) > CROWD;
    if (crowd && performance.now() - since < KEPT_BACK) return false;
    if (count > 0) pushes.send(subject, { type: "closed", sockets: closed, count });
    if (!crowd) pushes.send(subject, SESSIONS);
    return true;
  }

  /** From the request that ended the session until now, in milliseconds with three decimals; nothing when nobody asked here lately. */
  function after(subject, reason) {
    if (reason !== "revoked" && reason !== "muted_timeout") return undefined;
    const passed = acts.until(subject, performance.now());
    return passed === undefined ? undefined : Math.round(passed * 1000) / 1000;
  }

  return {
    note({ kind, socket: { identity }, closing }) {
      if (kind !== "opened" && kind !== "closed") return;
      const { subject, sid, socketId = "" } = identity;
      let lately = news.get(subject);
      if (lately === undefined) news.set(subject, (lately = { since: performance.now(), closed: [], count: 0 }));
      if (kind === "closed" && closing !== undefined) {
        lately.count++;
        const reason = closing.reason === "muted_timeout" ? "revoked" : closing.reason;
        if (lately.closed.length < NAMED) {
          lately.closed.push({ sid, socket_id: socketId, reason, after_ms: after(subject, closing.reason) });
        }
      }
      arm(GATHERED);
    },
    stop: () => clearTimeout(timer),
  };
}
