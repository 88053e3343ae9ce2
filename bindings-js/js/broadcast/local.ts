import type { Message } from "../host.js";
import { Listeners, type ListenerOptions, type LiveBroadcast } from "./shared/listeners.js";

export type { ListenerOptions, LiveBroadcast } from "./shared/listeners.js";

/** The name of the events. */
const EVENT = "authkernel:messages";

/** How a {@link localBroadcast} is made. */
export interface LocalBroadcastOptions extends ListenerOptions {
  /** Where the events are dispatched; one of its own when absent. Broadcasts that share one hear each other. */
  target?: EventTarget | undefined;
}

class Messages extends Event {
  constructor(readonly messages: readonly Message[]) {
    super(EVENT);
  }
}

/**
 * Broadcast inside one process, over an `EventTarget`: what a service that is a single process needs, and what tests use. Nothing is ever
 * missed. Every message counts as taken, also when nobody listens: this process holds no live connection then.
 *
 * @example
 * ```ts
 * import { createAuthenticator } from "authkernel";
 * import { localBroadcast } from "authkernel/broadcast/local";
 * import { memoryStorage } from "authkernel/storage/memory";
 *
 * const broadcast = localBroadcast();
 * const auth = await createAuthenticator({ policy, keys, storage: memoryStorage(), broadcast });
 * ```
 */
export function localBroadcast(options: LocalBroadcastOptions = {}): LiveBroadcast {
  const target = options.target ?? new EventTarget();
  const listeners = new Listeners(options);
  const hear = (event: Event): void => {
    if (event instanceof Messages) listeners.deliver(event.messages);
  };
  target.addEventListener(EVENT, hear);
  return {
    publish(messages) {
      if (messages.length === 0) return [];
      const event = new Messages([...messages]);
      // Not inside the call: a listener may ask the authenticator that is publishing right now.
      queueMicrotask(() => target.dispatchEvent(event));
      return messages.map(() => "taken" as const);
    },
    subscribe: (listener, events) => listeners.add(listener, events),
    get ignored() {
      return listeners.ignored;
    },
    async close() {
      target.removeEventListener(EVENT, hear);
      listeners.clear();
    },
  };
}
