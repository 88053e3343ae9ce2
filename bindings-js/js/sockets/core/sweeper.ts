import type { SweepReport } from "../../requests.js";
import type { Entry } from "./entry.js";
import type { Registry } from "./registry.js";
import { Alarm, within } from "./timers.js";

/**
 * Verifies connections against storage: those that were named at once, all of them at once when that was asked for, and otherwise each in
 * its turn, evenly spread. One call at a time.
 */
export class Sweeper {
  readonly #registry: Registry;
  /** Named ones come before all of them. */
  readonly #named = new Set<Entry>();
  #urgent = new Batches([]);
  #round = new Batches([]);
  #gap: number;
  #regularDue = false;
  #running = false;
  #stopped = false;
  readonly #failed = new Set<Entry>();
  readonly #regular = new Alarm(() => {
    this.#regularDue = true;
    void this.#run();
  });
  readonly #retry = new Alarm(() => {
    const failed = [...this.#failed];
    this.#failed.clear();
    this.ask(failed);
  });

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#gap = registry.settings.sweepEvery;
    if (registry.settings.timers) this.#regular.set(performance.now() + this.#gap);
  }

  /** Has these connections verified at once. */
  ask(entries: Iterable<Entry>): void {
    for (const entry of entries) this.#named.add(entry);
    if (this.#named.size > 0) void this.#run();
  }

  /** Has all connections verified at once. */
  askAll(): void {
    this.#urgent = new Batches([...this.#registry.table.entries]);
    void this.#run();
  }

  /** Verifies one connection, without waiting for its turn. */
  async verifyNow(entry: Entry): Promise<void> {
    await this.#verify([entry]);
  }

  stop(): void {
    this.#stopped = true;
    this.#regular.clear();
    this.#retry.clear();
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    // The messages of one turn of the event loop become one call.
    await Promise.resolve();
    const { sweepBatch } = this.#registry.settings;
    while (!this.#stopped) {
      const batch = this.#take(sweepBatch);
      if (batch.length > 0) {
        if (!(await this.#verify(batch))) this.#again(batch);
      } else if (this.#regularDue) {
        await this.#turn(sweepBatch);
      } else {
        break;
      }
    }
    this.#running = false;
  }

  #take(size: number): Entry[] {
    const batch: Entry[] = [];
    for (const entry of this.#named) {
      if (batch.length >= size) return batch;
      this.#named.delete(entry);
      batch.push(entry);
    }
    return batch.length > 0 ? batch : this.#urgent.next(size);
  }

  /** The next ones of the regular round. */
  async #turn(size: number): Promise<void> {
    const due = performance.now();
    this.#regularDue = false;
    let batch = this.#round.next(size);
    if (batch.length === 0) {
      // A round is over: the next one begins with those that are open now.
      this.#round = new Batches([...this.#registry.table.entries]);
      this.#gap = Math.max(1, this.#registry.settings.sweepEvery / this.#round.count(size));
      batch = this.#round.next(size);
    }
    // What storage does not answer comes in the next round again.
    await this.#verify(batch);
    // The time that it took is part of the gap; what was late is not made up for.
    if (!this.#stopped) this.#regular.set(due + this.#gap);
  }

  #again(batch: Entry[]): void {
    for (const entry of batch) this.#failed.add(entry);
    if (this.#retry.at === Infinity && this.#registry.settings.timers) {
      this.#retry.set(performance.now() + this.#registry.settings.sweepWhenBlind);
    }
  }

  /** Asks storage about some connections; false when it did not answer. */
  async #verify(batch: readonly Entry[]): Promise<boolean> {
    const { settings, authenticator, observer, table } = this.#registry;
    const entries = batch.filter((entry) => table.entries.has(entry));
    if (entries.length === 0) return true;
    const identities = entries.map((entry) => entry.identity);
    const askedAt = settings.now();
    let report: SweepReport;
    try {
      const call = authenticator.sweep(entries.map((entry) => entry.state()));
      // Without timers the caller's own request bounds the call.
      report = await (settings.timers ? within(settings.sweepTimeout, call) : call);
      if (report.verdicts.length !== entries.length) throw new Error("the answer has the wrong length");
      entries.forEach((entry, n) => this.#registry.apply(entry, identities[n]!, report.verdicts[n]!, askedAt));
    } catch (error) {
      return this.#notVerified(error);
    }
    if (report.error) return this.#notVerified(report.error);
    observer.counts.verified += entries.length;
    return true;
  }

  #notVerified(error: unknown): false {
    this.#registry.observer.counts.sweepErrors++;
    this.#registry.observer.problem("sweep_failed", error);
    return false;
  }
}

/** Connections to be verified, a batch at a time. */
class Batches {
  readonly #entries: readonly Entry[];
  #done = 0;

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  /** Empty when all were taken. */
  next(size: number): Entry[] {
    const batch = this.#entries.slice(this.#done, this.#done + size);
    this.#done += batch.length;
    return batch;
  }

  /** How many batches there are; 1 when there is nothing, so that it can be divided by. */
  count(size: number): number {
    return Math.max(1, Math.ceil(this.#entries.length / size));
  }
}
