/** Timers that keep no process alive, and that are good for any time. */

/** What a timer of any runtime can wait at most; a longer time would end at once. */
const LONGEST = 2 ** 31 - 1;

/** A moment further away is treated as this far away: it only has to be more than a process runs. */
export const FAR = 10 * 365 * 86_400_000;

/** One moment that is waited for, on the clock of `performance.now()`. */
export class Alarm {
  readonly #ring: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #at = Infinity;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** When it rings; `Infinity`: not set. */
  get at(): number {
    return this.#at;
  }

  /** Rings at this moment, and at no other that was set before. */
  set(at: number): void {
    this.clear();
    this.#at = at;
    if (at !== Infinity) this.#wait();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Infinity;
  }

  #wait(): void {
    const left = Math.ceil(this.#at - performance.now());
    this.#timer = setTimeout(
      () => {
        // A timer may ring a little early, and a long time is waited for in parts.
        if (performance.now() < this.#at) return this.#wait();
        this.clear();
        this.#ring();
      },
      Math.min(Math.max(left, 0), LONGEST),
    );
    unref(this.#timer);
  }
}

/** Does something again and again, with this pause between the end of one time and the beginning of the next. */
export class Chore {
  readonly #every: number;
  readonly #work: () => Promise<void>;
  readonly #alarm: Alarm;
  #stopped = false;

  /** `work` never rejects. */
  constructor(every: number, work: () => Promise<void>) {
    this.#every = every;
    this.#work = work;
    this.#alarm = new Alarm(() => void this.#run());
  }

  /** The first time is after this many milliseconds. */
  start(after: number): void {
    if (!this.#stopped) this.#alarm.set(performance.now() + after);
  }

  /** Not again; what is being done is not waited for. */
  stop(): void {
    this.#stopped = true;
    this.#alarm.clear();
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  async #run(): Promise<void> {
    await this.#work();
    this.start(this.#every);
  }
}

/** Resolves after this many milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => unref(setTimeout(resolve, Math.min(milliseconds, LONGEST))));
}

/** What a promise answers, or a rejection when it takes too long; a late answer is nobody's. */
export async function within<T>(milliseconds: number, promise: PromiseLike<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it took too long")), Math.min(milliseconds, LONGEST));
    unref(timer);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The timer, which keeps no process alive from now on. */
export function unref<T>(timer: T): T {
  const { Deno } = globalThis as { Deno?: { unrefTimer?(timer: number): void } };
  if (typeof timer === "number") Deno?.unrefTimer?.(timer);
  else if (typeof timer === "object" && timer !== null && "unref" in timer && typeof timer.unref === "function") timer.unref();
  return timer;
}
