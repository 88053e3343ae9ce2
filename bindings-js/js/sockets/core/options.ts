import type { Subscribable } from "../../host.js";
import type { Authenticator, ExtraClaims } from "../../requests.js";
import type { Closing, Farewell } from "./closing.js";
import { defaultFarewell } from "./closing.js";
import type { Problem, SocketEvent } from "./observer.js";

/** The operations of an authenticator that live connections need. */
export type SocketAuthenticator<Claims extends ExtraClaims = ExtraClaims> = Pick<
  Authenticator<Claims>,
  "authenticate" | "admit" | "sweep" | "redeliver" | "expunge"
>;

/** How live connections are looked after. Times are milliseconds; the defaults suit a server. */
export interface SocketsOptions<Claims extends ExtraClaims = ExtraClaims> {
  /** Decides. */
  authenticator: SocketAuthenticator<Claims>;
  /** Which endpoint of the policy the connections belong to, such as `web`; `open` may name another one. */
  endpoint: string;
  /**
   * What tells this process of disconnects. Without it nothing is heard of, and a revoked connection closes at the next sweep, up to
   * {@link SocketsOptions.sweepEvery} later.
   */
  broadcast?: Pick<Subscribable, "subscribe"> | undefined;
  /** How often each connection is verified against storage, spread evenly over that time. Default: 30,000. */
  sweepEvery?: number | undefined;
  /**
   * How often all connections are verified while the broker cannot be heard, and how soon a verification that storage did not answer is
   * repeated. Default: 5,000.
   */
  sweepWhenBlind?: number | undefined;
  /** How many connections are verified in one call. Default: 500. */
  sweepBatch?: number | undefined;
  /** How long one such call may take. Default: 20,000. */
  sweepTimeout?: number | undefined;
  /** How long a connection stays open that may not act any more, until its disconnect comes. Default: 30,000. */
  muteFor?: number | undefined;
  /** How long after the close was asked for a connection is cut whose peer has not closed. Default: 1,000. */
  cutAfter?: number | undefined;
  /** How many connections this process holds at most; further ones are refused as `overloaded`. Default: 1,000,000. */
  maxSockets?: number | undefined;
  /** How many connections of one session this process holds at most; further ones are refused as `overloaded`. Default: no limit. */
  maxSocketsPerSession?: number | undefined;
  /** How long `close` waits for connections to close. Default: 5,000. */
  closeGrace?: number | undefined;
  /** How often what was committed but not delivered is sent again, at first now; `false` where another process does it. Default: 1,000. */
  redeliverEvery?: number | false | undefined;
  /** How often what has expired for long is deleted; `false` where another process does it. Default: 3,600,000. */
  expungeEvery?: number | false | undefined;
  /** How many records, sessions and cut-offs each deletion takes at most. Default: 1,000. */
  expungeBatch?: number | undefined;
  /** What a peer is told that has to close. By default 4001 with `revoked` or `expired`, 1013 `unverified`, 1001 `shutdown`. */
  farewell?: ((closing: Closing) => Farewell) | undefined;
  /** Hears of every connection that is opened, muted, asked to close, or gone. */
  onEvent?: ((event: SocketEvent<Claims>) => void) | undefined;
  /** Hears of what goes wrong in the background; by default it is written with `console.warn`. */
  onProblem?: ((problem: Problem) => void) | undefined;
  /** Seconds since the Unix epoch, as the authenticator's own `now`; the runtime's clock when absent. */
  now?: (() => number) | undefined;
  /**
   * `false`: nothing runs on a timer here, and whoever serves a connection calls `verify` and `expire` on it. For runtimes such as
   * Cloudflare Workers, where a timer belongs to the request that set it. Default: true.
   */
  timers?: boolean | undefined;
}

/** The options with everything decided. */
export interface Settings {
  endpoint: string;
  sweepEvery: number;
  sweepWhenBlind: number;
  sweepBatch: number;
  sweepTimeout: number;
  muteFor: number;
  cutAfter: number;
  maxSockets: number;
  maxSocketsPerSession: number;
  closeGrace: number;
  redeliverEvery: number | false;
  expungeEvery: number | false;
  expungeBatch: number;
  farewell: (closing: Closing) => Farewell;
  now: () => number;
  timers: boolean;
}

export function settingsOf(options: SocketsOptions): Settings {
  if (typeof options?.authenticator?.admit !== "function") throw new TypeError("createSockets needs an authenticator");
  if (typeof options.endpoint !== "string" || options.endpoint === "") {
    throw new TypeError("createSockets needs the name of an endpoint, as the policy has it");
  }
  if (options.broadcast !== undefined && typeof options.broadcast.subscribe !== "function") {
    throw new TypeError("this broadcast cannot be listened to: it has no subscribe");
  }
  const every = (name: "redeliverEvery" | "expungeEvery", otherwise: number) =>
    options[name] === false ? false : pause(name, options[name], otherwise);
  return {
    endpoint: options.endpoint,
    sweepEvery: pause("sweepEvery", options.sweepEvery, 30_000),
    sweepWhenBlind: pause("sweepWhenBlind", options.sweepWhenBlind, 5_000),
    sweepBatch: pause("sweepBatch", options.sweepBatch, 500),
    sweepTimeout: pause("sweepTimeout", options.sweepTimeout, 20_000),
    muteFor: pause("muteFor", options.muteFor, 30_000),
    cutAfter: pause("cutAfter", options.cutAfter, 1_000),
    maxSockets: pause("maxSockets", options.maxSockets, 1_000_000),
    maxSocketsPerSession: pause("maxSocketsPerSession", options.maxSocketsPerSession, Infinity),
    closeGrace: pause("closeGrace", options.closeGrace, 5_000),
    redeliverEvery: every("redeliverEvery", 1_000),
    expungeEvery: every("expungeEvery", 3_600_000),
    expungeBatch: pause("expungeBatch", options.expungeBatch, 1_000),
    farewell: options.farewell ?? defaultFarewell,
    now: options.now ?? (() => Math.floor(Date.now() / 1000)),
    timers: options.timers ?? true,
  };
}

/** A number that is never below one: a setting of zero must not become a busy loop. */
function pause(name: string, given: number | undefined, otherwise: number): number {
  const value = given ?? otherwise;
  if (typeof value !== "number" || Number.isNaN(value) || value < 0) throw new TypeError(`${name} must be a number and not negative`);
  return Math.max(1, value);
}
