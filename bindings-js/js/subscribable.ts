/** A broadcast that can also be listened to: what the processes that hold live connections need. */

import type { Broadcast, MaybePromise, Message } from "./host.js";

/**
 * A broadcast that can be listened to: what a registry of live connections needs. Every adapter in `authkernel/broadcast/*` is one.
 *
 * @example
 * ```ts
 * import { localBroadcast } from "authkernel/broadcast/local";
 *
 * const broadcast = localBroadcast();
 * const unsubscribe = await broadcast.subscribe((message) => console.log(message.kind), {
 *   lost: () => console.log("messages may be missed from now on"),
 *   restored: () => console.log("heard again: ask storage about every open connection now"),
 * });
 * await unsubscribe();
 * ```
 */
export interface Subscribable extends Broadcast {
  /**
   * Calls the listener with every message that is published once this has answered, by any process, this one included, in the publisher's
   * order and never inside the call that published it. A listener that throws holds up nobody. What is answered ends the subscription.
   */
  subscribe(listener: (message: Message) => void, events?: SubscriptionEvents): MaybePromise<() => MaybePromise<void>>;
}

/** What else a subscription tells. An adapter that cannot lose its broker calls neither. */
export interface SubscriptionEvents {
  /** The broker is away: messages are missed until {@link SubscriptionEvents.restored}. Called once per loss. */
  lost?(): void;
  /** Messages are heard again, and some may have been missed: every open connection must be asked about now. */
  restored?(): void;
}
