/**
 * The live connections of a process: WebSockets, Socket.IO, server-sent events, any response that lives long.
 *
 * A revoked token must not keep a connection that it opened. So every connection is registered under the topic of its token **before** the
 * kernel is asked whether it may open: whatever is revoked from then on reaches it, and whatever was revoked before is seen by the kernel.
 * It closes when a disconnect names its topic, when its token expires, and when a sweep finds it dead whose disconnect was lost.
 */

import { AuthError } from "../errors.js";
import type { ExtraClaims } from "../requests.js";
import { Hearing } from "./core/hearing.js";
import { topicOf } from "./core/entry.js";
import type { LiveSocket, OpenOptions } from "./core/live-socket.js";
import type { Counts } from "./core/observer.js";
import type { SocketsOptions } from "./core/options.js";
import { Registry } from "./core/registry.js";
import { startUpkeep } from "./core/upkeep.js";

export type { Closing, Farewell, Reason } from "./core/closing.js";
export type { Connection, LiveSocket, OpenOptions } from "./core/live-socket.js";
export type { Counts, Problem, SocketEvent } from "./core/observer.js";
export type { SocketAuthenticator, SocketsOptions } from "./core/options.js";

/** The live connections that this process holds. */
export interface Sockets<Claims extends ExtraClaims = ExtraClaims> {
  /**
   * Admits a connection: authenticates, subscribes to the token's topic, decides again on fresh storage. Only what this has answered may be
   * accepted; a disconnect that arrives in between refuses it. Rejects with an {@link AuthError}: answer 401 (or what its kind says) to the
   * upgrade, and accept nothing.
   */
  open(token: string, options: OpenOptions): Promise<LiveSocket<Claims>>;
  /** Has all connections verified against storage at once. Call it after policy or keys were replaced. Returns before it is done. */
  verifyAll(): void;
  /** How many connections there are and were. */
  counts(): Counts;
  /** All that are registered now, those that are being opened or closed included. */
  list(): LiveSocket<Claims>[];
  /** Refuses new connections, closes all that are open, waits until they are gone (at most `closeGrace`), and ends every timer. */
  close(): Promise<void>;
}

/**
 * Starts to look after live connections. No timer of it keeps the process alive.
 *
 * @example
 * ```ts
 * import { createAuthenticator } from "authkernel";
 * import { localBroadcast } from "authkernel/broadcast/local";
 * import { createSockets } from "authkernel/sockets";
 *
 * const broadcast = localBroadcast();
 * const authenticator = await createAuthenticator({ policy, keys, storage, broadcast });
 * const sockets = createSockets({ authenticator, broadcast, endpoint: "web" });
 *
 * const live = await sockets.open(token, { purposes: ["user"] }); // rejects: answer 401, accept nothing
 * const connection = accept();
 * live.attach(connection);
 * connection.onmessage = (message) => live.mayAct() && act(message);
 * connection.onclose = () => live.release();
 * ```
 */
export function createSockets<Claims extends ExtraClaims = ExtraClaims>(options: SocketsOptions<Claims>): Sockets<Claims> {
  // Inside nobody looks at extra claims.
  const registry = new Registry(options as unknown as SocketsOptions);
  const { settings, authenticator, observer } = registry;
  const hearing = new Hearing(registry, options.broadcast);
  const chores = settings.timers ? startUpkeep(authenticator, settings, observer) : [];
  let closed: Promise<void> | undefined;

  async function open(token: string, given: OpenOptions): Promise<LiveSocket<Claims>> {
    const { purposes, tenant, endpoint = settings.endpoint } = given;
    await hearing.ready;
    const askedAt = settings.now();
    const identity = await authenticator.authenticate(token, { purposes, tenant });
    const entry = registry.register(endpoint, topicOf(identity), { purposes, tenant }, identity, askedAt);
    try {
      await entry.admit(token, { purposes, tenant });
      // A disconnect that came since the registration has left its mark.
      entry.accept();
    } catch (error) {
      // A registration that leads to nothing is taken back.
      registry.release(entry);
      throw error;
    }
    observer.counts.opened++;
    observer.tell("opened", entry);
    registry.awaitConnection(entry);
    return entry as LiveSocket<ExtraClaims> as LiveSocket<Claims>;
  }

  async function shutDown(): Promise<void> {
    await new Promise<void>((resolve) => {
      // This one keeps the process alive: somebody waits for it.
      const grace = setTimeout(resolve, settings.closeGrace);
      registry.emptied = () => {
        clearTimeout(grace);
        resolve();
      };
      registry.shut();
      if (registry.table.entries.size === 0) registry.emptied();
    });
    for (const chore of chores) chore.stop();
    registry.stop();
    await hearing.stop();
  }

  return {
    async open(token, given) {
      try {
        return await open(token, given);
      } catch (error) {
        observer.counts.refused++;
        throw error instanceof AuthError
          ? error
          : new AuthError("kernel_unavailable", "unavailable", "the kernel failed: see the cause", { cause: error });
      }
    },
    verifyAll: () => registry.sweeper.askAll(),
    counts: () => ({ ...observer.counts }),
    list: () => [...registry.table.entries] as LiveSocket<ExtraClaims>[] as LiveSocket<Claims>[],
    close: () => (closed ??= shutDown()),
  };
}
