/** Notes of sessions that were used: collected, merged, and written with the next commit, or on their own soon after. */

import type { Touch } from "../../host.js";

/** How long a note waits for a commit that would take it along, in milliseconds. */
const PATIENCE = 250;
/** More sessions than this are not remembered at a time: the notes are best effort. */
const LIMIT = 65_536;

/** The notes that wait to be written. */
export class Touches {
  #waiting = new Map<string, Touch>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #write: () => void;

  /** `write` is called when no commit has taken the notes. */
  constructor(write: () => void) {
    this.#write = write;
  }

  add({ tenant, sid, at }: Touch): void {
    const key = JSON.stringify([tenant ?? null, sid]);
    const known = this.#waiting.get(key);
    if (known === undefined && this.#waiting.size >= LIMIT) return;
    if (known === undefined || known.at < at) this.#waiting.set(key, { ...(tenant ? { tenant } : {}), sid, at });
    this.#timer ??= unref(setTimeout(() => this.flush(), PATIENCE));
  }

  /** Writes what waits, if it can be written now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.size > 0) this.#write();
  }

  /** Takes all notes. */
  take(): Touch[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const notes = [...this.#waiting.values()];
    this.#waiting.clear();
    return notes;
  }
}

/** A note that waits must not keep the process alive. */
function unref<Timer>(timer: Timer): Timer {
  (timer as { unref?: () => void }).unref?.();
  return timer;
}
