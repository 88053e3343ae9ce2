import type { ExtraClaims } from "../../requests.js";
import type { Closing } from "./closing.js";
import type { LiveSocket } from "./live-socket.js";

/**
 * Something happened to a live connection of this process: it was admitted (`opened`); nothing it sends is acted on any more, but it is
 * still open (`muted`); its close was asked for (`closing`); it is gone (`closed`, without {@link SocketEvent.closing} when its peer or the
 * application ended it).
 */
export interface SocketEvent<Claims extends ExtraClaims = ExtraClaims> {
  readonly kind: "opened" | "muted" | "closing" | "closed";
  readonly socket: LiveSocket<Claims>;
  readonly closing?: Closing | undefined;
}

/** Something goes wrong in the background, or is over (`broker_restored`). */
export interface Problem {
  /**
   * - `broker_lost`, `broker_restored`: all connections are verified again and again in between
   * - `subscribe_failed`: the broker could not be listened to; it is tried again
   * - `sweep_failed`: storage did not verify some connections; it is asked again
   * - `redeliver_failed`, `expunge_failed`: told once, not at every try
   * - `close_failed`: a connection threw when it was closed or cut
   */
  readonly kind:
    "broker_lost" | "broker_restored" | "subscribe_failed" | "sweep_failed" | "redeliver_failed" | "expunge_failed" | "close_failed";
  readonly error?: unknown;
}

/** How many live connections there are and were in this process, for metrics. */
export interface Counts {
  /** Registered now, those that are being opened or closed included. */
  registered: number;
  /** Admitted since the start. */
  opened: number;
  /** Refused since the start. */
  refused: number;
  /** Gone since the start, for whatever reason. */
  closed: number;
  /** Asked to close because of a revocation or a cut-off, since the start. */
  revoked: number;
  /** Asked to close because their token expired, since the start. */
  expired: number;
  /** Cut because their peer had not closed in time, since the start. */
  cut: number;
  /** Messages taken from the broker since the start. */
  messages: number;
  /** Verifications of one connection that storage answered, since the start. */
  verified: number;
  /** Calls for verification that storage did not answer, since the start. */
  sweepErrors: number;
  /** Whether the broker can be heard. */
  connected: boolean;
}

/** Counts, and tells whoever listens. A listener that throws harms nobody: what it threw is reported like an uncaught error. */
export class Observer {
  readonly counts: Counts = {
    registered: 0,
    opened: 0,
    refused: 0,
    closed: 0,
    revoked: 0,
    expired: 0,
    cut: 0,
    messages: 0,
    verified: 0,
    sweepErrors: 0,
    connected: true,
  };
  readonly #onEvent: ((event: SocketEvent) => void) | undefined;
  readonly #onProblem: (problem: Problem) => void;

  constructor(onEvent: ((event: SocketEvent) => void) | undefined, onProblem: ((problem: Problem) => void) | undefined) {
    this.#onEvent = onEvent;
    this.#onProblem =
      onProblem ?? (({ kind, error }) => console.warn(`authkernel sockets: ${kind}`, ...(error === undefined ? [] : [error])));
  }

  tell(kind: SocketEvent["kind"], socket: LiveSocket): void {
    if (this.#onEvent) guarded(this.#onEvent, { kind, socket, closing: socket.closing });
  }

  problem(kind: Problem["kind"], error?: unknown): void {
    guarded(this.#onProblem, { kind, error });
  }
}

function guarded<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value);
  } catch (error) {
    // Nobody above can do anything about it, and what called must go on.
    console.error("authkernel sockets: a listener threw", error);
  }
}
