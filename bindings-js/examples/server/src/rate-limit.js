// How often something may be tried: one bucket of tries per key, in bounded memory.

/** Keys that one generation remembers. Two generations are kept. */
const GENERATION = 32_768;

/**
 * Buckets of tries. A try that turns out well is given back.
 *
 * Memory is bounded: when a generation of keys is full, the one before is forgotten. To be forgotten early a key needs tens of thousands of
 * tries under other keys, each as slow as a password hash.
 */
export class RateLimit {
  #tries;
  #refill;
  #now;
  #young = new Map();
  #old = new Map();

  /** Allows `tries` at once, and one more each `refill` seconds. */
  constructor(tries, refill, now = () => performance.now() / 1000) {
    this.#tries = tries;
    this.#refill = refill;
    this.#now = now;
  }

  /** Takes a try; answers in how many seconds there will be one when there is none. */
  take(key) {
    const at = this.#now();
    const bucket = this.#young.get(key) ?? this.#old.get(key) ?? { left: this.#tries, at };
    bucket.left = Math.min(bucket.left + (at - bucket.at) / this.#refill, this.#tries);
    bucket.at = at;
    if (this.#young.size >= GENERATION && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, bucket);
    if (bucket.left < 1) return Math.ceil((1 - bucket.left) * this.#refill);
    bucket.left -= 1;
    return 0;
  }

  /** Gives a try back. */
  giveBack(key) {
    const bucket = this.#young.get(key);
    if (bucket) bucket.left = Math.min(bucket.left + 1, this.#tries);
  }
}
