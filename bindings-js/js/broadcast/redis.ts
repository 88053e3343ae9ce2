import { Listeners, type ListenerOptions, type LiveBroadcast } from "./shared/listeners.js";
import { publishPackets, PUBLISH_TIMEOUT_MS, text, within } from "./shared/publish.js";
import { beside, type IoRedisSubscriber, listening, type NodeRedisSubscriber, type Subscriber } from "./shared/redis-subscriber.js";

export type { ListenerOptions, LiveBroadcast } from "./shared/listeners.js";
export type { IoRedisSubscriber, NodeRedisSubscriber } from "./shared/redis-subscriber.js";

/** What is needed of a client of `ioredis` (`Redis` or `Cluster`) or of `redis` to publish. */
export interface RedisPublisher {
  publish(channel: string, message: string): Promise<unknown>;
}

/** How a {@link redisBroadcast} is made. */
export interface RedisBroadcastOptions extends ListenerOptions {
  /** Publishes; it may serve other purposes too, and is not closed. */
  client: RedisPublisher & (IoRedisSubscriber | NodeRedisSubscriber);
  /**
   * Listens: a connection that does nothing else. When absent, `client.duplicate()`, made with the first subscription and closed with the
   * broadcast.
   */
  subscriber?: IoRedisSubscriber | NodeRedisSubscriber | undefined;
  /** The one channel of all messages; `authkernel:messages` when absent. */
  channel?: string | undefined;
  /** How long a publication or a subscription may take; 2,000 ms when absent. A late one harms nothing. */
  timeoutMs?: number | undefined;
}

/**
 * Broadcast over one pub/sub channel of Redis, whatever the topics of the messages, which are data inside them. Works with `ioredis` and
 * with `redis`.
 *
 * A message counts as taken when Redis has answered. Redis keeps nothing for a subscriber that is away or too slow: it is disconnected
 * (`client-output-buffer-limit pubsub`), and the subscription's `lost` and `restored` say so.
 *
 * @example
 * ```ts
 * import { Redis } from "ioredis";
 * import { redisBroadcast } from "authkernel/broadcast/redis";
 *
 * const broadcast = redisBroadcast({ client: new Redis() });
 * ```
 */
export function redisBroadcast(options: RedisBroadcastOptions): LiveBroadcast {
  const { client, channel = "authkernel:messages", timeoutMs = PUBLISH_TIMEOUT_MS } = options;
  const listeners = new Listeners(options);
  let subscriber: Subscriber | undefined;
  let subscribed: Promise<void> | undefined;

  const start = async (): Promise<void> => {
    const started = listening(options.subscriber ?? beside(client), options.subscriber === undefined, channel, listeners);
    try {
      await within(timeoutMs, started.start(), "subscribing to redis");
    } catch (error) {
      await started.close().catch(() => undefined);
      throw error;
    }
    subscriber = started;
  };

  return {
    async publish(messages) {
      return publishPackets(messages, undefined, async (packets) => {
        // Sent one after the other on one connection, so that they keep their order, and waited for together.
        const answers = packets.map(async (packet) => {
          await within(timeoutMs, client.publish(channel, packet.text), "publishing to redis");
        });
        const settled = await Promise.allSettled(answers);
        return settled.map((answer) => (answer.status === "rejected" ? new Error(text(answer.reason)) : undefined));
      });
    },
    async subscribe(listener, events) {
      const remove = listeners.add(listener, events);
      try {
        await (subscribed ??= start());
      } catch (error) {
        remove();
        subscribed = undefined;
        throw error;
      }
      return remove;
    },
    get ignored() {
      return listeners.ignored;
    },
    async close() {
      listeners.clear();
      await subscriber?.close();
      subscriber = undefined;
    },
  };
}
