// When sign-outs were asked for, so that it can be told how long each connection took to close.

/** Accounts that are remembered at most. */
const ACCOUNTS = 4096;
/** How long a sign-out is remembered, in milliseconds: a connection that is left open to redirect itself closes within 30 s. */
const REMEMBERED = 40_000;

/** The latest sign-out of each account. */
export class Acts {
  #latest = new Map();

  /** A sign-out of this account was asked for now. */
  begin(subject, now = performance.now()) {
    if (this.#latest.size >= ACCOUNTS) {
      for (const [known, at] of this.#latest) if (now - at >= REMEMBERED) this.#latest.delete(known);
    }
    if (this.#latest.size < ACCOUNTS) this.#latest.set(subject, now);
  }

  /** How long it was from the latest sign-out of this account until a moment, in milliseconds. */
  until(subject, then) {
    const passed = then - (this.#latest.get(subject) ?? -Infinity);
    return passed >= 0 && passed < REMEMBERED ? passed : undefined;
  }
}
