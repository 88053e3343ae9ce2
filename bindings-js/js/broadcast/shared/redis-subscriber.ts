import type { Listeners } from "./listeners.js";

// The two clients of Redis as listeners: what they call a lost connection, and when they hear again.

/** What is needed of a client of `ioredis` to listen. */
export interface IoRedisSubscriber {
  readonly status: string;
  connect(): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  on(event: string, listener: (...args: any[]) => void): unknown;
  off(event: string, listener: (...args: any[]) => void): unknown;
  duplicate(options?: any): IoRedisSubscriber;
  disconnect(): void;
}

/** What is needed of a client of `redis` to listen. */
export interface NodeRedisSubscriber {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string, channel: string) => unknown): Promise<unknown>;
  unsubscribe(channel: string, listener: (message: string, channel: string) => unknown): Promise<unknown>;
  on(event: string, listener: (...args: any[]) => void): unknown;
  off(event: string, listener: (...args: any[]) => void): unknown;
  duplicate(): NodeRedisSubscriber;
  destroy(): void;
}

/** A connection that listens. */
export interface Subscriber {
  /** Answers once it hears. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Makes a client listen; `owned` ones are opened and closed. */
export function listening(
  client: IoRedisSubscriber | NodeRedisSubscriber,
  owned: boolean,
  channel: string,
  listeners: Listeners,
): Subscriber {
  return "isReady" in client ? nodeRedis(client, owned, channel, listeners) : ioRedis(client, owned, channel, listeners);
}

/** A connection of its own beside this one. */
export function beside(client: IoRedisSubscriber | NodeRedisSubscriber): IoRedisSubscriber | NodeRedisSubscriber {
  // It is subscribed again here, whenever it is ready; where ioredis does it itself and the connection is lost meanwhile, nobody takes the
  // rejection, and that ends the process.
  return "isReady" in client ? client.duplicate() : client.duplicate({ autoResubscribe: false });
}

type Handlers = [event: string, handler: (...args: any[]) => void][];

interface Emitter {
  on(event: string, listener: (...args: any[]) => void): unknown;
  off(event: string, listener: (...args: any[]) => void): unknown;
}

function attach(client: Emitter, handlers: Handlers): () => void {
  for (const [event, handler] of handlers) client.on(event, handler);
  return () => {
    for (const [event, handler] of handlers) client.off(event, handler);
  };
}

function ioRedis(client: IoRedisSubscriber, owned: boolean, channel: string, listeners: Listeners): Subscriber {
  const hearAgain = (): void => {
    // "ready" comes before the client has subscribed again; what was answered after this subscription says that it hears.
    void client.subscribe(channel).then(
      () => listeners.restored(),
      () => undefined,
    );
  };
  const detach = attach(client, [
    ["message", (from: string, packet: string) => void (from === channel && listeners.receive(packet))],
    ["close", () => listeners.lost()],
    ["end", () => listeners.lost()],
    ["ready", hearAgain],
    // The client connects again by itself; without a listener it would write to the console.
    ["error", () => undefined],
  ]);
  return {
    async start() {
      // Without an offline queue, as is advised, a command before "ready" fails.
      if (client.status === "wait") await client.connect();
      else if (client.status !== "ready") await new Promise<void>((resolve) => void client.on("ready", () => resolve()));
      await client.subscribe(channel);
      listeners.restored();
    },
    async close() {
      detach();
      // Whoever closes a connection must not be told of it as an error.
      client.on("error", () => undefined);
      if (owned) client.disconnect();
      else if (client.status === "ready") await client.unsubscribe(channel);
    },
  };
}

function nodeRedis(client: NodeRedisSubscriber, owned: boolean, channel: string, listeners: Listeners): Subscriber {
  const receive = (packet: string): void => listeners.receive(packet);
  let started = false;
  const detach = attach(client, [
    ["reconnecting", () => listeners.lost()],
    ["end", () => listeners.lost()],
    // Without a listener an "error" would end the process.
    ["error", () => void (client.isReady || listeners.lost())],
    // The client has subscribed again before it says that it is ready.
    ["ready", () => void (started && listeners.restored())],
  ]);
  return {
    async start() {
      if (!client.isOpen) await client.connect();
      await client.subscribe(channel, receive);
      started = true;
      listeners.restored();
    },
    async close() {
      detach();
      client.on("error", () => undefined);
      if (owned) {
        if (client.isOpen) client.destroy();
      } else if (client.isReady) await client.unsubscribe(channel, receive);
    },
  };
}
