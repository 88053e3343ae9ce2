import type { PublishAnswer } from "../host.js";
import { Listeners, type ListenerOptions, type LiveBroadcast } from "./shared/listeners.js";
import { publishPackets } from "./shared/publish.js";

export type { ListenerOptions, LiveBroadcast } from "./shared/listeners.js";

/** How a {@link channelBroadcast} is made. */
export interface ChannelBroadcastOptions extends ListenerOptions {
  /** The name of the channel; `authkernel:messages` when absent. */
  name?: string | undefined;
}

/**
 * Broadcast over a `BroadcastChannel`: the tabs and workers of one origin in a browser, the worker threads of one Node, Deno or Bun
 * process. It does not leave the machine, and in Node not the process: several processes need Redis, NATS or PostgreSQL.
 *
 * It keeps no process alive.
 *
 * @example
 * ```ts
 * import { channelBroadcast } from "authkernel/broadcast/channel";
 *
 * const broadcast = channelBroadcast();
 * const unsubscribe = await broadcast.subscribe((message) => console.log(message));
 * ```
 */
export function channelBroadcast(options: ChannelBroadcastOptions = {}): LiveBroadcast {
  const listeners = new Listeners(options);
  const channel = new BroadcastChannel(options.name ?? "authkernel:messages");
  channel.onmessage = (event: MessageEvent) => listeners.receive(event.data);
  channel.onmessageerror = () => {
    listeners.ignored += 1;
    listeners.missed();
  };
  (channel as { unref?: () => void }).unref?.();
  let closed = false;
  return {
    async publish(messages): Promise<PublishAnswer[]> {
      return publishPackets(messages, undefined, async (packets) => {
        if (closed) throw new Error("the channel is closed");
        for (const packet of packets) channel.postMessage(packet.text);
        // A channel does not hear itself; those who listen here are told the same, as from anywhere else.
        queueMicrotask(() => {
          for (const packet of packets) listeners.receive(packet.text);
        });
        return [];
      });
    },
    subscribe: (listener, events) => listeners.add(listener, events),
    get ignored() {
      return listeners.ignored;
    },
    async close() {
      closed = true;
      channel.close();
      listeners.clear();
    },
  };
}
