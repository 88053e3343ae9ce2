import { Listeners, type ListenerOptions, type LiveBroadcast } from "./shared/listeners.js";
import { MAX_PACKET_BYTES } from "./shared/packets.js";
import { publishPackets, PUBLISH_TIMEOUT_MS, within } from "./shared/publish.js";

export type { ListenerOptions, LiveBroadcast } from "./shared/listeners.js";

/** What is needed of a connection of `@nats-io/transport-node`, `@nats-io/nats-core` (`wsconnect`) or `nats`. */
export interface NatsConnectionLike {
  publish(subject: string, payload: string): void;
  flush(): Promise<void>;
  subscribe(subject: string, options: { callback: (error: any, message: { data: Uint8Array }) => void }): { unsubscribe(): void };
  status(): AsyncIterable<{ type: string }>;
  closed(): Promise<unknown>;
  isClosed(): boolean;
  info?: { max_payload: number } | undefined;
}

/** How a {@link natsBroadcast} is made. */
export interface NatsBroadcastOptions extends ListenerOptions {
  /** The connection; it may serve other purposes too, and is not closed. Make it with `maxReconnectAttempts: -1`. */
  connection: NatsConnectionLike;
  /** The one subject of all messages; `authkernel.messages` when absent. */
  subject?: string | undefined;
  /** How long a publication may take; 2,000 ms when absent. A late one harms nothing. */
  timeoutMs?: number | undefined;
}

/**
 * Broadcast over NATS: one subject, whatever the topics of the messages, which are data inside them. A message counts as taken when the
 * server has answered after it.
 *
 * @example
 * ```ts
 * import { connect } from "@nats-io/transport-node";
 * import { natsBroadcast } from "authkernel/broadcast/nats";
 *
 * const connection = await connect({ servers: "127.0.0.1:4222", maxReconnectAttempts: -1 });
 * const broadcast = natsBroadcast({ connection });
 * ```
 */
export function natsBroadcast(options: NatsBroadcastOptions): LiveBroadcast {
  const { connection, subject = "authkernel.messages", timeoutMs = PUBLISH_TIMEOUT_MS } = options;
  const listeners = new Listeners(options);
  let subscription: { unsubscribe(): void } | undefined;
  let subscribed: Promise<void> | undefined;
  let watching = false;
  let closed = false;

  const start = async (): Promise<void> => {
    if (!watching) void watch();
    subscription ??= connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) listeners.missed();
        else listeners.receive(message.data);
      },
    });
    // The server has the subscription once it has answered what was sent after it.
    await within(timeoutMs, connection.flush(), "subscribing to nats");
  };

  const watch = async (): Promise<void> => {
    watching = true;
    void connection.closed().then(() => listeners.lost());
    for await (const { type } of connection.status()) {
      if (closed) return;
      if (type === "disconnect" || type === "staleConnection") listeners.lost();
      // Subscriptions were sent again before this is told.
      else if (type === "reconnect") listeners.restored();
      else if (type === "slowConsumer") listeners.missed();
    }
  };

  return {
    async publish(messages) {
      const limit = Math.min(MAX_PACKET_BYTES, connection.info?.max_payload ?? MAX_PACKET_BYTES);
      return publishPackets(messages, limit, async (packets) => {
        if (connection.isClosed()) throw new Error("the connection to nats is closed");
        for (const packet of packets) connection.publish(subject, packet.text);
        await within(timeoutMs, connection.flush(), "publishing to nats");
        return [];
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
      closed = true;
      listeners.clear();
      if (!connection.isClosed()) subscription?.unsubscribe();
      subscription = undefined;
    },
  };
}
