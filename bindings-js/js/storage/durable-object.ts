/** Storage in a Cloudflare Durable Object, and the connections that it holds. */

import type { Broadcast, Storage } from "../host.js";
import type { Message, PublishAnswer } from "../host.js";
import type { Authenticator } from "../requests.js";
import type { SyncStorage } from "./common/sync.js";
import { durableObjectDriver } from "./durable-object/driver.js";
import type { HeldSocket } from "./durable-object/held.js";
import { ObjectCore } from "./durable-object/object.js";
import type { AuthObjectOptions, OpenSocketOptions } from "./durable-object/options.js";
import { type AuthObjectRpc, storageOver, type StorageMethod, type StorageReply } from "./durable-object/rpc.js";
import type { DurableObjectStateLike, DurableObjectStorageLike, HibernatableSocket } from "./durable-object/runtime.js";
import { sqlStorage } from "./sql/storage.js";
import { touch } from "./sql/upkeep.js";

export type { SyncStorage } from "./common/sync.js";
export type { HeldSocket } from "./durable-object/held.js";
export type { AuthObjectOptions, ObjectPorts, OpenSocketOptions } from "./durable-object/options.js";
export type { AuthObjectRpc, StorageMethod, StorageReply } from "./durable-object/rpc.js";
export type { DurableObjectStateLike, DurableObjectStorageLike, HibernatableSocket } from "./durable-object/runtime.js";

/**
 * Storage in the SQLite of a Durable Object, for use inside that object: the same tables as every other SQLite. Its methods answer at
 * once; the runtime holds back every answer that leaves the object until what was written is durable.
 *
 * The class must be listed under `new_sqlite_classes` in the Worker's migrations. {@link authDurableObject} uses it by itself.
 *
 * @example
 * ```ts
 * import { DurableObject } from "cloudflare:workers";
 * import { durableObjectStorage } from "authkernel/storage/durable-object";
 *
 * export class Accounts extends DurableObject {
 *   #storage = durableObjectStorage(this.ctx.storage);
 * }
 * ```
 */
export function durableObjectStorage(storage: DurableObjectStorageLike): SyncStorage {
  const sql = durableObjectDriver(storage);
  return sqlStorage(sql, (note) => touch(sql, note));
}

/**
 * The storage of an {@link authDurableObject} for a Worker: every call is one round trip to the object. Errors keep their kind. A call
 * whose answer was lost is `unavailable`, although it may have been done; repeating is safe.
 *
 * @example
 * ```ts
 * import { createAuthenticator } from "authkernel";
 * import { durableObjectBroadcast, durableObjectClient } from "authkernel/storage/durable-object";
 *
 * const stub = env.AUTH.getByName("auth");
 * const auth = await createAuthenticator({
 *   policy,
 *   keys: env.KEYS,
 *   storage: durableObjectClient(stub),
 *   broadcast: durableObjectBroadcast(stub),
 * });
 * ```
 */
export function durableObjectClient(stub: AuthObjectRpc): Storage {
  return storageOver(stub);
}

/**
 * Tells the connections that an {@link authDurableObject} holds. What it was not told of, because the Worker ended in between, it sends
 * itself a second later.
 *
 * @example
 * ```ts
 * import { durableObjectBroadcast } from "authkernel/storage/durable-object";
 *
 * const broadcast = durableObjectBroadcast(env.AUTH.getByName("auth"));
 * ```
 */
export function durableObjectBroadcast(stub: AuthObjectRpc): Broadcast {
  // Awaited, so that what is answered is a promise of the language's and not the RPC's own kind.
  return { publish: async (messages) => (messages.length === 0 ? [] : await stub.authPublish(messages)) };
}

/** What {@link authDurableObject} adds to a Durable Object. */
export interface AuthDurableObject extends AuthObjectRpc {
  /** The object's own authenticator, over its own database and connections. */
  authenticator(): Promise<Authenticator>;
  /** Answers an upgrade request with a connection, or refuses it. A subclass may answer other paths first. */
  fetch(request: Request): Promise<Response>;
  /** As `fetch`, for an upgrade request whose token the application has found itself. */
  openSocket(options: OpenSocketOptions): Promise<Response>;
  /** Puts a connection on a later token of the same subject, tenant and session. Its topic must be the same: use a template with `sid`. */
  prolong(socket: HibernatableSocket, token: string): Promise<HeldSocket>;
  /** The runtime's. */
  webSocketMessage(socket: HibernatableSocket, message: string | ArrayBuffer): Promise<void>;
  /** The runtime's. */
  webSocketClose(socket: HibernatableSocket, code: number): void;
  /** The runtime's. */
  webSocketError(socket: HibernatableSocket): void;
  /** The runtime's. The object's alarm is taken: a subclass that needs times keeps a table of its own and another object. */
  alarm(): Promise<void>;
  /** For {@link durableObjectClient}. */
  authStorage(method: StorageMethod, input: unknown): StorageReply;
  /** For {@link durableObjectBroadcast}. */
  authPublish(messages: Message[]): PublishAnswer[];
}

/** A class that takes what the runtime gives. */
type Constructor = abstract new (...given: any[]) => object;

/**
 * A ready-made Durable Object: it keeps the records in its SQLite, offers them to Workers over RPC, and holds WebSockets that hibernate.
 * The class is given `DurableObject` of `cloudflare:workers`, so that nothing here imports it.
 *
 * A connection is subscribed before it is admitted and accepted after; a dead token is refused at the upgrade. On its disconnect, its
 * deadline or a sweep's verdict it is closed with code 4001 and reason `revoked` or `expired`, and nothing that it sends from then on is
 * acted on. The runtime gives no way to cut a connection whose peer does not answer the close.
 *
 * Everything that lives in one object shares its one thread. Where that is too little, use one object per tenant.
 *
 * @example
 * ```ts
 * import { DurableObject } from "cloudflare:workers";
 * import { createAuthenticator } from "authkernel";
 * import { authDurableObject } from "authkernel/storage/durable-object";
 *
 * export class Auth extends authDurableObject(DurableObject<Env>, {
 *   authenticator: (ports, env: Env) => createAuthenticator({ policy, keys: env.KEYS, ...ports }),
 *   purposes: ["user"],
 *   message: (socket, message) => socket.send(message),
 * }) {}
 * ```
 */
export function authDurableObject<Base extends Constructor, Env = unknown>(
  base: Base,
  options: AuthObjectOptions<Env>,
): Base & (abstract new (...given: any[]) => AuthDurableObject) {
  abstract class AuthObject extends (base as Constructor) implements AuthDurableObject {
    readonly #core: ObjectCore<Env>;

    constructor(...given: any[]) {
      super(...given);
      const [ctx, env] = given as [DurableObjectStateLike, Env];
      this.#core = new ObjectCore(ctx, env, options);
    }

    authenticator(): Promise<Authenticator> {
      return this.#core.authenticator();
    }
    fetch(request: Request): Promise<Response> {
      return this.#core.fetch(request);
    }
    openSocket(given: OpenSocketOptions): Promise<Response> {
      return this.#core.openSocket(given);
    }
    prolong(socket: HibernatableSocket, token: string): Promise<HeldSocket> {
      return this.#core.prolong(socket, token);
    }
    webSocketMessage(socket: HibernatableSocket, message: string | ArrayBuffer): Promise<void> {
      return this.#core.message(socket, message);
    }
    webSocketClose(socket: HibernatableSocket, code: number): void {
      this.#core.closed(socket, code);
    }
    webSocketError(socket: HibernatableSocket): void {
      this.#core.closed(socket, 1006);
    }
    alarm(): Promise<void> {
      return this.#core.alarm();
    }
    authStorage(method: StorageMethod, input: unknown): StorageReply {
      return this.#core.call(method, input);
    }
    authPublish(messages: Message[]): PublishAnswer[] {
      return this.#core.publish(messages);
    }
  }
  return AuthObject as unknown as Base & (abstract new (...given: any[]) => AuthDurableObject);
}
