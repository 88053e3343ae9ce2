import type { Entry } from "./entry.js";

/** The connections by the moment at which each has to be looked at: a binary heap, in which every entry knows its place. */
export class Deadlines {
  readonly #heap: { due: number; entry: Entry }[] = [];

  /** When the next one is due; `Infinity` when there is none. */
  get next(): number {
    return this.#heap[0]?.due ?? Infinity;
  }

  /** Puts a connection where its `due` says, whether it was there or not. */
  set(entry: Entry): void {
    const slot = { due: entry.due, entry };
    if (entry.place < 0) entry.place = this.#heap.length;
    this.#heap[entry.place] = slot;
    this.#sink(this.#rise(entry.place));
  }

  remove(entry: Entry): void {
    const { place } = entry;
    if (place < 0) return;
    entry.place = -1;
    const last = this.#heap.pop();
    if (!last || last.entry === entry) return;
    this.#put(place, last);
    this.#sink(this.#rise(place));
  }

  /** Takes out what is due. */
  take(now: number): Entry[] {
    const due: Entry[] = [];
    for (let first = this.#heap[0]; first && first.due <= now; first = this.#heap[0]) {
      this.remove(first.entry);
      due.push(first.entry);
    }
    return due;
  }

  #rise(place: number): number {
    const slot = this.#heap[place]!;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (this.#heap[above]!.due <= slot.due) break;
      this.#put(place, this.#heap[above]!);
      place = above;
    }
    return this.#put(place, slot);
  }

  #sink(place: number): void {
    const slot = this.#heap[place]!;
    for (;;) {
      let below = 2 * place + 1;
      const other = this.#heap[below + 1];
      if (other && other.due < this.#heap[below]!.due) below++;
      const next = this.#heap[below];
      if (!next || next.due >= slot.due) break;
      this.#put(place, next);
      place = below;
    }
    this.#put(place, slot);
  }

  #put(place: number, slot: { due: number; entry: Entry }): number {
    this.#heap[place] = slot;
    slot.entry.place = place;
    return place;
  }
}
