import type { MaybePromise, Subscribable } from "../../host.js";
import type { Registry } from "./registry.js";
import { Chore, within } from "./timers.js";

/** Does what the broker's messages say; while it cannot be heard, has everything verified again and again. */
export class Hearing {
  /** Settled when the first try to subscribe is: from then on no message is missed unnoticed. */
  readonly ready: Promise<void>;
  readonly #registry: Registry;
  readonly #broadcast: Pick<Subscribable, "subscribe"> | undefined;
  #lost = false;
  #subscribed = false;
  #unsubscribe: (() => MaybePromise<void>) | undefined;
  #stopped = false;
  /** Runs while blind. */
  #again: Chore | undefined;

  constructor(registry: Registry, broadcast: Pick<Subscribable, "subscribe"> | undefined) {
    this.#registry = registry;
    this.#broadcast = broadcast;
    this.ready = broadcast ? this.#subscribe() : Promise.resolve();
  }

  /** Ends the subscription. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#again?.stop();
    const unsubscribe = this.#unsubscribe;
    this.#unsubscribe = undefined;
    try {
      await unsubscribe?.();
    } catch (error) {
      this.#registry.observer.problem("subscribe_failed", error);
    }
  }

  async #subscribe(): Promise<void> {
    const { settings, observer } = this.#registry;
    try {
      const subscribed = (async () => {
        const unsubscribe = await this.#broadcast!.subscribe((message) => this.#stopped || this.#registry.deliver(message), {
          lost: () => this.#tell(true),
          restored: () => this.#tell(false),
        });
        if (this.#stopped) return void (await unsubscribe());
        this.#unsubscribe = unsubscribe;
        this.#subscribed = true;
        this.#changed();
      })();
      // A subscription that takes too long may still come: then it is taken, not made a second time.
      await (settings.timers
        ? within(
            settings.sweepWhenBlind,
            subscribed.catch((error) => this.#failed(error)),
          )
        : subscribed);
    } catch (error) {
      observer.problem("subscribe_failed", error);
      this.#changed();
    }
  }

  #failed(error: unknown): void {
    this.#registry.observer.problem("subscribe_failed", error);
    this.#changed();
    const again = new Chore(this.#registry.settings.sweepWhenBlind, async () => {
      again.stop();
      if (!this.#stopped) await this.#subscribe();
    });
    again.start(this.#registry.settings.sweepWhenBlind);
  }

  #tell(lost: boolean): void {
    if (this.#stopped) return;
    this.#lost = lost;
    this.#registry.observer.problem(lost ? "broker_lost" : "broker_restored");
    this.#changed();
  }

  /** Messages may have been missed until now, or may be missed from now on. */
  #changed(): void {
    const { sweeper, settings, observer } = this.#registry;
    const blind = this.#lost || !this.#subscribed;
    observer.counts.connected = !blind;
    sweeper.askAll();
    this.#again?.stop();
    this.#again = undefined;
    if (!blind || this.#stopped || !settings.timers) return;
    this.#again = new Chore(settings.sweepWhenBlind, async () => sweeper.askAll());
    this.#again.start(settings.sweepWhenBlind);
  }
}
