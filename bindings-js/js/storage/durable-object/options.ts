/** What an application says of its Durable Object. */

import type { Broadcast, MaybePromise, Storage } from "../../host.js";
import type { Authenticator } from "../../requests.js";
import type { HeldSocket } from "./held.js";
import type { HibernatableSocket } from "./runtime.js";

/** The ports of the authenticator inside the object: its own database, and the connections that it holds. */
export interface ObjectPorts {
  storage: Storage;
  broadcast: Broadcast;
}

/** How the object decides and looks after connections. */
export interface AuthObjectOptions<Env = unknown> {
  /** Makes the object's authenticator, once for each time that the object is loaded: `createAuthenticator({ policy, keys, ...ports })`. */
  authenticator(ports: ObjectPorts, env: Env): MaybePromise<Authenticator>;
  /** Which purposes may open a connection; at least one. */
  purposes: readonly string[];
  /** The endpoint of connections, one of the policy's; `web` when absent. */
  endpoint?: string | undefined;
  /** The token of an upgrade request; that of `Authorization: Bearer` when absent. A token has no place in a URL. */
  token?: ((request: Request, env: Env) => MaybePromise<string | null | undefined>) | undefined;
  /** The tenant that a request is for; none when absent. */
  tenant?: ((request: Request, env: Env) => MaybePromise<string | null | undefined>) | undefined;
  /** Called for what a connection sends while it may act; never from its disconnect or deadline on. */
  message?: ((socket: HibernatableSocket, message: string | ArrayBuffer, held: HeldSocket, env: Env) => MaybePromise<void>) | undefined;
  /** Called once a connection was accepted: to send a hello, for instance. */
  opened?: ((socket: HibernatableSocket, held: HeldSocket, env: Env) => MaybePromise<void>) | undefined;
  /** Seconds between two looks at all connections; 30 when absent. Finds what no message told of. */
  sweepEvery?: number | undefined;
  /** Seconds between two deletions of what has expired for long; 3600 when absent. */
  expungeEvery?: number | undefined;
}

/** What a connection is opened with, where the options' rules do not fit. */
export interface OpenSocketOptions {
  /** The token. */
  token: string;
  /** The tenant that is served. */
  tenant?: string | undefined;
  /** Which purposes are accepted; the options' when absent. */
  purposes?: readonly string[] | undefined;
  /** The endpoint; the options' when absent. */
  endpoint?: string | undefined;
  /** The subprotocol to speak: one of those that the client offered. */
  protocol?: string | undefined;
  /** What to keep with the connection, also through hibernation: some hundred bytes. */
  data?: unknown;
}
