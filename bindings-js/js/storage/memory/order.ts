/** Sets that are kept in order. */

/** How many entries one chunk holds at most before it is halved. */
const CHUNK = 256;

/**
 * A set in order, as chunks of sorted entries: adding and removing cost a binary search and the move of one chunk's end, however many
 * entries there are.
 */
export class SortedSet<T> {
  readonly #compare: (a: T, b: T) => number;
  #chunks: T[][] = [];
  #size = 0;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds an entry; one that compares equal is replaced. */
  add(entry: T): void {
    const at = Math.min(this.#chunkOf(entry), Math.max(this.#chunks.length - 1, 0));
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks = [[entry]];
      this.#size = 1;
      return;
    }
    const place = this.#placeIn(chunk, entry);
    const there = chunk[place];
    if (place < chunk.length && this.#compare(there as T, entry) === 0) {
      chunk[place] = entry;
      return;
    }
    chunk.splice(place, 0, entry);
    this.#size++;
    if (chunk.length > CHUNK) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK >> 1));
  }

  /** Removes the entry that compares equal, if there is one. */
  delete(entry: T): void {
    const at = this.#chunkOf(entry);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    const place = this.#placeIn(chunk, entry);
    if (place >= chunk.length || this.#compare(chunk[place] as T, entry) !== 0) return;
    chunk.splice(place, 1);
    this.#size--;
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** The first entry. */
  first(): T | undefined {
    return this.#chunks[0]?.[0];
  }

  /** The entries in order, those after `bound` only when one is given. The set must not change meanwhile. */
  *values(bound?: T): Generator<T, void, undefined> {
    let at = 0;
    let place = 0;
    if (bound !== undefined) {
      at = this.#chunkOf(bound);
      const chunk = this.#chunks[at];
      if (chunk === undefined) return;
      place = this.#placeIn(chunk, bound);
      if (place < chunk.length && this.#compare(chunk[place] as T, bound) === 0) place++;
    }
    for (; at < this.#chunks.length; at++, place = 0) {
      const chunk = this.#chunks[at] as T[];
      for (; place < chunk.length; place++) yield chunk[place] as T;
    }
  }

  /** The first chunk whose last entry is not before this one. */
  #chunkOf(entry: T): number {
    let [low, high] = [0, this.#chunks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const chunk = this.#chunks[middle] as T[];
      if (this.#compare(chunk[chunk.length - 1] as T, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The place of the first entry that is not before this one. */
  #placeIn(chunk: T[], entry: T): number {
    let [low, high] = [0, chunk.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(chunk[middle] as T, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
