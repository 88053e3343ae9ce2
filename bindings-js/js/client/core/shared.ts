import { Connection } from "./connection.js";
import type { OpenSocketOptions, SignedOutReason, Sink, SocketData, SocketEvents, SocketState } from "./options.js";

/** What tabs tell each other. */
type Note =
  | { kind: "hello" }
  | { kind: "state"; state: SocketState }
  | { kind: "message"; data: SocketData }
  | { kind: "closed"; event: SocketEvents["close"] }
  | { kind: "signed_out"; reason: SignedOutReason }
  | { kind: "send"; data: SocketData };

/** Milliseconds in which every tab has heard what was told. */
const HEARD_BY_THEN = 500;

/** Whether this browser can elect a tab. */
export function canShare(): boolean {
  return typeof navigator === "object" && navigator.locks !== undefined && typeof BroadcastChannel === "function";
}

/** One of the tabs that share a connection: whoever holds the lock has it, and the others hear what it passes on. */
export class SharedConnection {
  readonly #channel: BroadcastChannel;
  readonly #abort = new AbortController();
  readonly #sink: Sink;
  #connection: Connection | undefined;
  #state: SocketState = "connecting";
  #letGo: (() => void) | undefined;
  #over = false;

  constructor(name: string, url: URL, options: OpenSocketOptions, sink: Sink) {
    this.#sink = sink;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<Note>) => this.#hear(data);
    navigator.locks
      .request(name, { signal: this.#abort.signal }, () => this.#lead(url, options))
      .catch((error: unknown) => {
        // Stopped while it waited: not a failure.
        if (!this.#abort.signal.aborted) throw error;
      });
    this.#tell({ kind: "hello" });
  }

  /** Whether this tab has the connection. */
  get leads(): boolean {
    return this.#connection !== undefined;
  }

  send(data: SocketData): boolean {
    if (this.#connection) return this.#connection.send(data);
    if (this.#state !== "open") return false;
    this.#tell({ kind: "send", data });
    return true;
  }

  stop(): void {
    this.#abort.abort();
    this.#connection?.stop();
    this.#connection = undefined;
    // The lock may reach another tab before the word that it is over does; that tab would connect again.
    if (this.#over && this.#letGo) setTimeout(this.#letGo, HEARD_BY_THEN);
    else this.#letGo?.();
    this.#channel.close();
  }

  /** Holds the lock until it is stopped. */
  #lead(url: URL, options: OpenSocketOptions): Promise<void> {
    // Stopped between the grant of the lock and now.
    if (this.#abort.signal.aborted) return Promise.resolve();
    const held = new Promise<void>((resolve) => (this.#letGo = resolve));
    this.#connection = new Connection(url, options, {
      connecting: () => this.#become("connecting", () => this.#sink.connecting()),
      opened: () => this.#become("open", () => this.#sink.opened()),
      message: (data) => {
        this.#tell({ kind: "message", data });
        this.#sink.message(data);
      },
      closed: (event) => {
        this.#state = "waiting";
        this.#tell({ kind: "closed", event });
        this.#sink.closed(event);
      },
      signedOut: (reason) => {
        this.#over = true;
        // The others first: what is told here may close this tab.
        this.#tell({ kind: "signed_out", reason });
        this.#sink.signedOut(reason);
      },
    });
    return held;
  }

  #become(state: SocketState, tell: () => void): void {
    this.#state = state;
    this.#tell({ kind: "state", state });
    tell();
  }

  #hear(note: Note): void {
    if (this.#connection) {
      if (note.kind === "hello") this.#tell({ kind: "state", state: this.#state });
      else if (note.kind === "send") this.#connection.send(note.data);
      // From the tab that led before this one.
      else if (note.kind === "signed_out") this.#sink.signedOut(note.reason);
      return;
    }
    switch (note.kind) {
      case "state":
        if (note.state === this.#state) return;
        this.#state = note.state;
        if (note.state === "open") this.#sink.opened();
        else if (note.state === "connecting") this.#sink.connecting();
        return;
      case "message":
        return this.#sink.message(note.data);
      case "closed":
        this.#state = "waiting";
        return this.#sink.closed(note.event);
      case "signed_out":
        return this.#sink.signedOut(note.reason);
      default:
        return;
    }
  }

  #tell(note: Note): void {
    this.#channel.postMessage(note);
  }
}
