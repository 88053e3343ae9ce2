/** A live connection of a page, which knows when the session is over. No kernel is in here. */

import { Connection } from "./core/connection.js";
import type { OpenSocketOptions, SignedOutReason, Sink, SocketData, SocketEvents, SocketState } from "./core/options.js";
import { SharedConnection, canShare } from "./core/shared.js";

export type { OpenSocketOptions, SignedOutReason, SocketData, SocketEvents, SocketState } from "./core/options.js";

/** A live connection of a page. */
export interface ClientSocket {
  /** What it does now. */
  readonly state: SocketState;
  /** Whether this tab has the connection itself: always, unless it is shared. */
  readonly leads: boolean;
  /** Why the page is signed out, once it is. */
  readonly signedOut: SignedOutReason | undefined;
  /** Sends something; false when it is not open, and then nothing is kept. */
  send(data: SocketData): boolean;
  /** Listens; answers what ends it. */
  on<Name extends keyof SocketEvents>(name: Name, listener: (event: SocketEvents[Name]) => void): () => void;
  /** Closes it for good, in this tab; in a shared connection another tab takes over. */
  close(): void;
}

/**
 * Opens a WebSocket and keeps it open: after a failure it is opened again, later and later. It stops when the server says that the session
 * is over, by close code 4001, or by 401 to the probe after an upgrade that was refused; then `signed_out` says why.
 *
 * The credential is the session cookie, unless `token` or `ticket` gives another.
 *
 * @example
 * ```ts
 * import { openSocket } from "authkernel/client";
 *
 * const socket = openSocket("/live", {
 *   probe: "/api/me",
 *   shared: true,
 *   onSignedOut: (reason) => location.assign(`/sign-in?because=${reason}`),
 * });
 * socket.on("message", (data) => show(data));
 * ```
 */
export function openSocket(url: string | URL, options: OpenSocketOptions = {}): ClientSocket {
  const target = new URL(url, globalThis.location?.href);
  // A page knows its own URL by http, and so do older browsers' WebSockets not.
  target.protocol = target.protocol.replace(/^http/, "ws");
  target.hash = "";

  let state: SocketState = "connecting";
  let signedOut: SignedOutReason | undefined;
  const listeners = new Map<keyof SocketEvents, Set<(event: never) => void>>();
  const over = () => state === "closed" || state === "signed_out";

  function emit<Name extends keyof SocketEvents>(name: Name, event: SocketEvents[Name]): void {
    for (const listener of [...(listeners.get(name) ?? [])]) guarded(listener as (event: SocketEvents[Name]) => void, event);
  }

  const sink: Sink = {
    connecting() {
      if (!over()) state = "connecting";
    },
    opened() {
      if (over()) return;
      state = "open";
      emit("open", undefined);
    },
    message(data) {
      if (!over()) emit("message", data);
    },
    closed(event) {
      if (over()) return;
      state = "waiting";
      emit("close", event);
    },
    signedOut(reason) {
      if (over()) return;
      state = "signed_out";
      signedOut = reason;
      connection.stop();
      emit("signed_out", reason);
      if (options.onSignedOut) guarded(options.onSignedOut, reason);
    },
  };

  const { shared } = options;
  const name = `authkernel ${target.href} ${typeof shared === "string" ? shared : ""}`;
  const connection = shared && canShare() ? new SharedConnection(name, target, options, sink) : new Connection(target, options, sink);

  return {
    get state() {
      return state;
    },
    get leads() {
      return !over() && (connection instanceof SharedConnection ? connection.leads : true);
    },
    get signedOut() {
      return signedOut;
    },
    send: (data) => !over() && connection.send(data),
    on(event, listener) {
      let all = listeners.get(event);
      if (!all) listeners.set(event, (all = new Set()));
      all.add(listener);
      return () => void all.delete(listener);
    },
    close() {
      if (over()) return;
      state = "closed";
      connection.stop();
    },
  };
}

/** A listener that throws harms no other: its error is reported as if nobody had caught it. */
function guarded<T>(listener: (event: T) => void, event: T): void {
  try {
    listener(event);
  } catch (error) {
    if (typeof reportError === "function") reportError(error);
    else console.error(error);
  }
}
