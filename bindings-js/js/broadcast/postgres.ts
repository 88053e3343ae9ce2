import { Listeners, type ListenerOptions, type LiveBroadcast } from "./shared/listeners.js";
import { publishPackets, PUBLISH_TIMEOUT_MS, within } from "./shared/publish.js";

export type { ListenerOptions, LiveBroadcast } from "./shared/listeners.js";

/** A connection of the pool that listens. */
export interface PostgresListener {
  query(text: string): Promise<unknown>;
  on(event: string, listener: (...args: any[]) => void): unknown;
  removeListener(event: string, listener: (...args: any[]) => void): unknown;
  release(destroy?: boolean): void;
}

/** What is needed of a `Pool` of `pg`. */
export interface PostgresBroadcastPool {
  query(query: { name?: string; text: string; values: unknown[] }): Promise<unknown>;
  connect(): Promise<PostgresListener>;
}

/** How a {@link postgresBroadcast} is made. */
export interface PostgresBroadcastOptions extends ListenerOptions {
  /**
   * Publishes, and lends one connection for as long as there is a subscription: count it in `max`. It is not closed. Between it and the
   * server there must be no pooler that shares connections between transactions.
   */
  pool: PostgresBroadcastPool;
  /** The one channel of all messages; `authkernel_messages` when absent. */
  channel?: string | undefined;
  /** How long a publication or a subscription may take; 2,000 ms when absent. A late one harms nothing. */
  timeoutMs?: number | undefined;
}

/** A payload of NOTIFY must be shorter than 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_999;
/** How often the listening connection is asked whether it is still there. */
const HEARTBEAT_MS = 10_000;
/** How long to wait before another connection is tried. */
const RETRY_MS = 500;

/**
 * Broadcast over `NOTIFY` and `LISTEN` of PostgreSQL, for a service that has a database and wants no broker. Messages are packed into
 * payloads of less than 8,000 bytes. `NOTIFY` takes a lock of the whole database when it commits: beyond some hundred sign-outs per
 * second use Redis or NATS.
 *
 * @example
 * ```ts
 * import { Pool } from "pg";
 * import { postgresBroadcast } from "authkernel/broadcast/postgres";
 *
 * const pool = new Pool();
 * pool.on("error", (error) => console.error(error));
 * const broadcast = postgresBroadcast({ pool });
 * ```
 */
export function postgresBroadcast(options: PostgresBroadcastOptions): LiveBroadcast {
  const { pool, channel = "authkernel_messages", timeoutMs = PUBLISH_TIMEOUT_MS } = options;
  const listeners = new Listeners(options);
  const listen = `LISTEN "${channel.replaceAll('"', '""')}"`;
  let subscribed: Promise<void> | undefined;
  let end: (() => void) | undefined;
  let closed = false;

  /** Listens on one connection until it is lost or ended. */
  const start = async (): Promise<void> => {
    const connecting = pool.connect();
    let client: PostgresListener;
    try {
      client = await within(timeoutMs, connecting, "connecting to postgresql");
    } catch (error) {
      // A connection that comes too late is given back.
      void connecting.then((late) => late.release(), () => undefined);
      throw error;
    }
    const hear = (note: { channel: string; payload?: string }): void => {
      if (note.channel === channel) listeners.receive(note.payload ?? "");
    };
    let ended = false;
    const finish = (): void => {
      if (ended) return;
      ended = true;
      clearInterval(heartbeat);
      client.removeListener("notification", hear);
      client.release(true);
    };
    const lose = (): void => {
      if (ended) return;
      finish();
      listeners.lost();
      retry();
    };
    const heartbeat = setInterval(() => void within(timeoutMs, client.query("SELECT 1"), "a heartbeat").catch(lose), HEARTBEAT_MS);
    (heartbeat as { unref?: () => void }).unref?.();
    client.on("notification", hear);
    client.on("error", lose);
    client.on("end", lose);
    try {
      await within(timeoutMs, client.query(listen), "listening on postgresql");
    } catch (error) {
      finish();
      throw error;
    }
    end = finish;
    if (closed) finish();
    else listeners.restored();
  };

  const retry = (): void => {
    if (closed) return;
    const timer = setTimeout(() => {
      if (!closed) void start().catch(retry);
    }, RETRY_MS);
    (timer as { unref?: () => void }).unref?.();
  };

  return {
    async publish(messages) {
      return publishPackets(messages, MAX_PAYLOAD_BYTES, async (packets) => {
        const query = {
          name: "authkernel_notify",
          text: "SELECT pg_notify($1, payload) FROM unnest($2::text[]) WITH ORDINALITY AS packet (payload, number) ORDER BY number",
          values: [channel, packets.map((packet) => packet.text)],
        };
        await within(timeoutMs, pool.query(query), "publishing to postgresql");
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
      end?.();
    },
  };
}
