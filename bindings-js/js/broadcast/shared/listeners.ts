import type { Message, Subscribable, SubscriptionEvents } from "../../host.js";
import { unpack } from "./packets.js";

/** What every adapter is: to be published to, listened to, and closed. */
export interface LiveBroadcast extends Subscribable {
  /** How many entries were received that are no message: something else speaks on the channel, or a newer version. */
  readonly ignored: number;
  /** Ends all subscriptions, and what the adapter itself has opened; what was handed in stays open. */
  close(): Promise<void>;
}

/** What every adapter can be told. */
export interface ListenerOptions {
  /** Is given what a listener threw; `console.error` when absent. */
  onError?: ((error: unknown) => void) | undefined;
}

interface Listener {
  call: (message: Message) => void;
  events: SubscriptionEvents;
}

function complain(error: unknown): void {
  console.error("authkernel: a listener of a broadcast failed", error);
}

/** Those who listen in this process. None of them can hold up another, or the adapter. */
export class Listeners {
  /** Entries that were no message. */
  ignored = 0;
  #listeners = new Set<Listener>();
  #away = false;
  #onError: (error: unknown) => void;

  constructor(options: ListenerOptions = {}) {
    this.#onError = options.onError ?? complain;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** Adds one; what is answered removes it. One that comes while the broker is away is told so. */
  add(call: (message: Message) => void, events: SubscriptionEvents = {}): () => void {
    const listener = { call, events };
    this.#listeners.add(listener);
    if (this.#away) this.#guarded(() => events.lost?.());
    return () => void this.#listeners.delete(listener);
  }

  /** Hands over messages, in order. */
  deliver(messages: readonly Message[]): void {
    for (const message of messages) {
      for (const listener of this.#listeners) this.#guarded(() => listener.call(message));
    }
  }

  /** Reads a packet and hands over what is in it. */
  receive(packet: unknown): void {
    const { messages, ignored } = unpack(packet);
    this.ignored += ignored;
    this.deliver(messages);
  }

  /** The broker is away; says so once. */
  lost(): void {
    if (this.#away) return;
    this.#away = true;
    for (const { events } of this.#listeners) this.#guarded(() => events.lost?.());
  }

  /** The broker is back; says so once. */
  restored(): void {
    if (!this.#away) return;
    this.#away = false;
    for (const { events } of this.#listeners) this.#guarded(() => events.restored?.());
  }

  /** Something may have been missed although the broker is there. */
  missed(): void {
    this.lost();
    this.restored();
  }

  clear(): void {
    this.#listeners.clear();
  }

  #guarded(call: () => unknown): void {
    try {
      const answer = call();
      // An async listener is not waited for, but its failure must not end the process.
      if (answer instanceof Promise) answer.catch((error: unknown) => this.#report(error));
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    try {
      this.#onError(error);
    } catch (second) {
      complain(second);
    }
  }
}
