/**
 * Live connections as server-sent events: a response of the fetch standard, for every runtime and framework that speaks it.
 *
 * A dead token is refused with its status, before anything is sent. When the connection has to close, a last event says why and the
 * response ends; where the runtime gives the connection below (Node), it is cut when its peer has not taken that in time.
 */

import { fetchHead } from "../middleware/credential.js";
import type { ExtraClaims } from "../requests.js";
import { Refusal } from "../middleware/refusal.js";
import type { Farewell } from "./core/closing.js";
import { encode, type LiveEvent } from "./core/event.js";
import { gate } from "./core/gate.js";
import type { GateOptions } from "./core/gate.js";
import type { LiveSocket } from "./core/live-socket.js";
import { lookAfter } from "./core/own-timers.js";
import { unref } from "./core/timers.js";

export type { LiveEvent } from "./core/event.js";

/** A stream that is open. */
export interface EventStream {
  /**
   * Sends an event; a text is one without a name. Answers false where it was not sent, because the stream has to close, or its peer does
   * not read and misses it.
   */
  send(event: LiveEvent | string): boolean;
}

/** What is needed of Node's `http.ServerResponse`, to notice that it is gone and to cut it. */
export interface NodeResponse {
  readonly destroyed: boolean;
  destroy(): unknown;
  once(event: "close", listener: () => void): unknown;
}

/** How a stream is served. */
export interface StreamOptions<Claims extends ExtraClaims = ExtraClaims> {
  /**
   * Called once the stream is open: it sends what comes first, and keeps the stream for what comes later. What it answers, if anything, is
   * called once the stream has ended.
   */
  connected?: ((stream: EventStream, live: LiveSocket<Claims>) => (() => void) | void) | undefined;
  /** The last event. By default `close`, with the data `{"code": 4001, "reason": "revoked"}`, as the Rust host sends it. */
  farewell?: ((farewell: Farewell) => LiveEvent) | undefined;
  /** Milliseconds between comments, so that nobody takes the silence for an end. A peer that does not read is cut then. Default: 25,000. */
  pingEvery?: number | undefined;
  /** How many bytes may wait for a peer that does not read before it misses what comes. Default: 65,536. */
  buffer?: number | undefined;
  /**
   * Milliseconds between two verifications that the stream does itself, together with its deadline; none when absent. For Cloudflare
   * Workers, where the registry is made with `timers: false`.
   */
  verifyEvery?: number | undefined;
  /** On Node the response under this one, such as `context.env.outgoing` of Hono. */
  outgoing?: NodeResponse | undefined;
  /** Aborted when the client has gone, where the runtime does not cancel the response's body then. */
  signal?: AbortSignal | undefined;
}

/** Which requests may open a stream, and how it is served. */
export interface EventsOptions<Claims extends ExtraClaims = ExtraClaims>
  extends GateOptions<Claims>, Omit<StreamOptions<Claims>, "outgoing" | "signal"> {
  /** Called with every request that was refused: for an audit log. The peer is answered whatever it does. */
  refused?: ((refusal: Refusal, request: Request) => void) | undefined;
}

/**
 * Makes a handler for a route that answers with events. Browsers' `EventSource` sends the cookie of its own origin and no header; `fetch`
 * sends either.
 *
 * @example
 * ```ts
 * import { createSockets } from "authkernel/sockets";
 * import { liveEvents } from "authkernel/sockets/events";
 *
 * const sockets = createSockets({ authenticator, broadcast, endpoint: "web" });
 * const events = liveEvents({
 *   sockets,
 *   purposes: ["user"],
 *   connected(stream, live) {
 *     stream.send({ name: "hello", data: live.identity.subject });
 *     const timer = setInterval(() => stream.send(String(Date.now())), 1_000);
 *     return () => clearInterval(timer);
 *   },
 * });
 *
 * app.get("/live/events", (context) => events(context.req.raw, context.env.outgoing));
 * ```
 */
export function liveEvents<Claims extends ExtraClaims = ExtraClaims>(
  options: EventsOptions<Claims>,
): (request: Request, outgoing?: NodeResponse) => Promise<Response> {
  const { refused } = options;
  const admit = gate(options);
  return async (request, outgoing) => {
    let live: LiveSocket<Claims>;
    try {
      live = await admit(fetchHead(request));
    } catch (error) {
      const refusal = Refusal.of(error);
      refused?.(refusal, request);
      return refusal.toResponse();
    }
    if (request.method === "HEAD") {
      live.release();
      return new Response(null, { headers: HEADERS });
    }
    // Whoever reads the response cancels it when the client has gone; `request.signal` would say so as well, but Deno complains of its use.
    return serveEvents(live, { ...options, outgoing });
  };
}

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  // The widespread proxy that gathers responses by default understands this.
  "x-accel-buffering": "no",
};

/**
 * The response for a connection that was admitted, for who finds the token otherwise than {@link liveEvents} does.
 *
 * Over HTTP/1.1 a response with the header `connection: close` has its TCP connection end with the stream.
 *
 * @example
 * ```ts
 * import { serveEvents } from "authkernel/sockets/events";
 *
 * const live = await sockets.open(token, { purposes: ["user"] }); // rejects: answer 401
 * const response = serveEvents(live, { connected: (stream) => void stream.send("hello") });
 * ```
 */
export function serveEvents<Claims extends ExtraClaims = ExtraClaims>(
  live: LiveSocket<Claims>,
  options: StreamOptions<Claims> = {},
): Response {
  const { buffer = 65_536, outgoing, signal } = options;
  if (outgoing?.destroyed || signal?.aborted) {
    live.release();
    return new Response(null, { headers: HEADERS });
  }
  let gone: () => void = () => undefined;
  const source = {
    start(controller: ReadableStreamDefaultController<Uint8Array>) {
      gone = open(live, controller, options);
    },
    cancel: () => gone(),
  };
  const body = new ReadableStream(source, { highWaterMark: buffer, size: (chunk) => chunk?.byteLength ?? 0 });
  outgoing?.once("close", gone);
  signal?.addEventListener("abort", gone, { once: true });
  return new Response(body, { headers: HEADERS });
}

/** Puts a stream under its registration; answers what to call when the peer has gone. */
function open<Claims extends ExtraClaims>(
  live: LiveSocket<Claims>,
  controller: ReadableStreamDefaultController<Uint8Array>,
  options: StreamOptions<Claims>,
): () => void {
  const { connected, farewell = closing, pingEvery = 25_000, buffer = 65_536, verifyEvery, outgoing } = options;
  const encoder = new TextEncoder();
  let isOpen = true;
  let ended: (() => void) | void;
  const send = (text: string) => {
    if (!isOpen || (controller.desiredSize ?? 0) <= 0) return false;
    controller.enqueue(encoder.encode(text));
    return true;
  };
  const timer = pingEvery > 0 ? unref(setInterval(() => send(":\n\n") || cut(), pingEvery)) : undefined;
  const rest = verifyEvery === undefined ? undefined : lookAfter(live, verifyEvery);
  const end = () => {
    if (!isOpen) return;
    isOpen = false;
    clearInterval(timer);
    rest?.();
    ended?.();
  };
  const gone = () => {
    end();
    live.release();
  };
  /** Whatever the peer does. */
  function cut(): void {
    if (outgoing) outgoing.destroy();
    else controller.error(new Error("the peer of a stream of events does not read"));
    gone();
  }

  let last: Farewell | undefined;
  live.attach({
    close: (code, reason) => (last = { code, reason }),
    terminate: cut,
  });
  // Continues in the request that the stream belongs to, whoever asked for the close.
  void live.asked.then(() => {
    if (!isOpen) return;
    end();
    // Also to a peer that is slow: it has until it is cut.
    if (last !== undefined) controller.enqueue(encoder.encode(encode(farewell(last))));
    const isTaken = controller.desiredSize === buffer;
    controller.close();
    // What is below says when it is gone; without it, the stream is gone once everything was taken, and otherwise cut in time.
    if (isTaken && outgoing === undefined) live.release();
  });
  try {
    ended = connected?.({ send: (event) => send(encode(event)) }, live);
  } catch (error) {
    gone();
    throw error;
  }
  return gone;
}

function closing({ code, reason }: Farewell): LiveEvent {
  return { name: "close", data: JSON.stringify({ code, reason }) };
}
