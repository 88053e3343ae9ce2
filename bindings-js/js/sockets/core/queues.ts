import type { Entry } from "./entry.js";
import { Alarm } from "./timers.js";

/** Connections that are looked at again, all after the same time: one timer for all, in the order in which they came. */
export class Later {
  readonly #look: (entry: Entry) => void;
  readonly #waiting = new Map<Entry, number>();
  readonly #alarm = new Alarm(() => this.#ring());

  constructor(look: (entry: Entry) => void) {
    this.#look = look;
  }

  /** To be looked at then. Whoever comes later has a later moment, give or take a turn of the event loop. */
  add(entry: Entry, at: number): void {
    this.#waiting.delete(entry);
    this.#waiting.set(entry, at);
    if (this.#alarm.at === Infinity) this.#alarm.set(at);
  }

  remove(entry: Entry): void {
    if (this.#waiting.delete(entry) && this.#waiting.size === 0) this.#alarm.clear();
  }

  #ring(): void {
    const now = performance.now();
    for (const [entry, at] of this.#waiting) {
      if (at > now) return this.#alarm.set(at);
      this.#waiting.delete(entry);
      this.#look(entry);
    }
  }
}

/** How long the winding up is put off while there are still peers to be told. */
const PATIENCE = 250;

/**
 * What comes after the telling, put off until nobody is left to be told.
 *
 * A sign-out may close thousands of connections at once, by one message or by thousands. To tell a peer is one short write; what comes
 * after, listeners of the application most of all, is more work and nobody waits for it. Without an order between the two the first
 * peers' endings would delay the last peers' telling.
 */
export class Farewells {
  readonly #windUp: (entry: Entry) => void;
  #told: Entry[] = [];
  #more = false;
  #since = 0;

  constructor(windUp: (entry: Entry) => void) {
    this.#windUp = windUp;
  }

  /** These peers were told just now. */
  told(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#more = true;
    if (this.#told.length === 0) {
      this.#since = performance.now();
      nextTurn(() => this.#turn());
    }
    for (const entry of entries) this.#told.push(entry);
  }

  #turn(): void {
    if (this.#more && performance.now() - this.#since < PATIENCE) {
      // Others may be told in this turn of the event loop.
      this.#more = false;
      return nextTurn(() => this.#turn());
    }
    const told = this.#told;
    this.#told = [];
    for (const entry of told) this.#windUp(entry);
  }
}

function nextTurn(work: () => void): void {
  if (typeof setImmediate === "function") setImmediate(work);
  else setTimeout(work, 0);
}
