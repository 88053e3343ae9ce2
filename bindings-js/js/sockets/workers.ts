/**
 * Live connections in Cloudflare Workers, by `WebSocketPair`, without hibernation. There, whatever belongs to a request, sockets and timers
 * included, can only be used by that request: so every connection looks after itself, and is told of its end by a promise.
 *
 * A message reaches only connections of the same isolate. Where a service has more than one, connections whose disconnect went elsewhere
 * close at their next verification; the Durable Object helper closes all at once.
 */

import { chooseSubprotocol, fetchHead, isUpgrade } from "../middleware/credential.js";
import type { ExtraClaims } from "../requests.js";
import { Refusal } from "../middleware/refusal.js";
import type { Farewell } from "./core/closing.js";
import { gate } from "./core/gate.js";
import type { GateOptions } from "./core/gate.js";
import type { LiveSocket } from "./core/live-socket.js";
import { lookAfter } from "./core/own-timers.js";

/** What is needed of the `WebSocket` of Workers. */
export interface WorkersSocket {
  accept(): void;
  send(message: string | ArrayBuffer | ArrayBufferView): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "message", listener: (event: { data: string | ArrayBuffer }) => void): void;
  addEventListener(type: "close" | "error", listener: () => void): void;
}

/** How connections are served. */
export interface WorkersOptions<Claims extends ExtraClaims = ExtraClaims> extends GateOptions<Claims> {
  /** Called with every accepted connection. */
  connected?: ((socket: WorkersSocket, live: LiveSocket<Claims>) => void) | undefined;
  /** Called with every message that may be acted on. */
  message?: ((data: string | ArrayBuffer, socket: WorkersSocket, live: LiveSocket<Claims>) => void) | undefined;
  /** Called once the connection is gone. */
  closed?: ((live: LiveSocket<Claims>) => void) | undefined;
  /** Milliseconds between two verifications of a connection. Default: 30,000. */
  verifyEvery?: number | undefined;
}

/**
 * Makes what answers upgrade requests. The registry must be made with `timers: false`; `redeliver` and `expunge` are for a scheduled event
 * then.
 *
 * @example
 * ```ts
 * import { createSockets } from "authkernel/sockets";
 * import { liveWebSocket } from "authkernel/sockets/workers";
 *
 * const sockets = createSockets({ authenticator, broadcast, endpoint: "web", timers: false });
 * const live = liveWebSocket({ sockets, purposes: ["user"], message: (data, socket) => socket.send(data) });
 *
 * export default {
 *   fetch: (request) => live(request),
 *   scheduled: (_event, _env, context) => context.waitUntil(authenticator.redeliver()),
 * };
 * ```
 */
export function liveWebSocket<Claims extends ExtraClaims = ExtraClaims>(
  options: WorkersOptions<Claims>,
): (request: Request) => Promise<Response> {
  const admit = gate(options);
  const { verifyEvery = 30_000, connected, message, closed } = options;
  return async (request) => {
    let live: LiveSocket<Claims>;
    try {
      const head = fetchHead(request);
      if (!isUpgrade(head)) throw Refusal.because("upgrade_required");
      live = await admit(head);
    } catch (error) {
      return Refusal.of(error).toResponse();
    }
    const { 0: client, 1: socket } = new (globalThis as unknown as WorkersGlobal).WebSocketPair();
    socket.accept();
    serve(socket, live);
    connected?.(socket, live);
    return new Response(null, { status: 101, webSocket: client, headers: subprotocol(request) } as ResponseInit);
  };

  function serve(socket: WorkersSocket, live: LiveSocket<Claims>): void {
    const rest = lookAfter(live, verifyEvery);
    const gone = () => {
      rest();
      live.release();
    };
    socket.addEventListener("message", ({ data }) => {
      if (live.mayAct()) message?.(data, socket, live);
    });
    socket.addEventListener("close", () => {
      gone();
      closed?.(live);
    });
    socket.addEventListener("error", gone);
    let farewell: Farewell | undefined;
    live.attach({
      close(code, reason) {
        farewell = { code, reason };
      },
    });
    // Continues in the request that the connection belongs to, whoever asked for the close.
    void live.asked.then(() => {
      rest();
      socket.close(farewell?.code, farewell?.reason);
      // Nothing can cut a connection here; one that does not close is forgotten, and nothing that it says is heard.
      setTimeout(gone, FORGET_AFTER);
    });
  }
}

/** How long a connection may take to close. */
const FORGET_AFTER = 1_000;

interface WorkersGlobal {
  WebSocketPair: new () => { 0: WorkersSocket; 1: WorkersSocket };
}

function subprotocol(request: Request): Record<string, string> {
  const offers = request.headers.get("sec-websocket-protocol");
  const chosen = offers === null ? undefined : chooseSubprotocol(offers.split(",").map((offer) => offer.trim()));
  return chosen === undefined ? {} : { "sec-websocket-protocol": chosen };
}
