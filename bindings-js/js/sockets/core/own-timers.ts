/** What a connection does for itself where timers belong to the request that set them, as in Cloudflare Workers. */

import type { LiveSocket } from "./live-socket.js";

/** Has a connection verified every so often, and closed when its time is over, until what this answers is called. */
export function lookAfter(live: Pick<LiveSocket, "identity" | "verify" | "expire">, verifyEvery: number): () => void {
  const alarm = new Timer(
    () => live.expire(),
    () => Math.max(0, live.identity.deadline * 1000 - Date.now()),
  );
  const verify = new Timer(
    () => void live.verify(),
    () => verifyEvery,
  );
  return () => {
    alarm.stop();
    verify.stop();
  };
}

/** Does something again and again, for as long as the request lives. */
class Timer {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  readonly #work: () => void;
  readonly #after: () => number;

  constructor(work: () => void, after: () => number) {
    this.#work = work;
    this.#after = after;
    this.#wait();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    // Never at once: a moment that has passed must not become a busy loop.
    const after = Math.min(Math.max(this.#after(), 50), 2 ** 31 - 1);
    this.#timer = setTimeout(() => {
      this.#work();
      if (!this.#stopped) this.#wait();
    }, after);
  }
}
