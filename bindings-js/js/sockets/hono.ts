/**
 * Live connections over Hono's `upgradeWebSocket`, on Node (`@hono/node-server` 2, or 1 with `@hono/node-ws`), Deno and Bun. In Cloudflare
 * Workers use `authkernel/sockets/workers`.
 */

import { fetchHead, isUpgrade, nodeHead } from "../middleware/credential.js";
import type { NodeRequest } from "../middleware/credential.js";
import type { ExtraClaims } from "../requests.js";
import { Refusal } from "../middleware/refusal.js";
import { gate } from "./core/gate.js";
import type { GateOptions } from "./core/gate.js";
import type { LiveSocket } from "./core/live-socket.js";

/** What is needed of Hono's `WSContext`. */
export interface HonoSocket {
  readonly raw?: unknown;
  close(code?: number, reason?: string): void;
}

/** Hono's `WSEvents`. */
export interface HonoEvents<Socket extends HonoSocket> {
  onOpen?(event: Event, socket: Socket): void;
  onMessage?(event: MessageEvent, socket: Socket): void;
  onClose?(event: CloseEvent, socket: Socket): void;
  onError?(event: Event, socket: Socket): void;
}

/** What is needed of Hono's `Context`. */
export interface HonoContext {
  readonly req: { readonly raw: Request };
  readonly env: any;
}

/** What is needed of Hono's `upgradeWebSocket`, whichever adapter it comes from. */
export interface HonoUpgrade<Context extends HonoContext, Socket extends HonoSocket> {
  (events: (context: Context) => any, options?: any): (context: Context, next: () => Promise<void>) => Promise<any>;
  (context: Context, events: HonoEvents<Socket>, options?: any): Promise<any>;
}

/** How a route serves live connections. */
export interface HonoSocketOptions<
  Context extends HonoContext,
  Socket extends HonoSocket,
  Claims extends ExtraClaims = ExtraClaims,
> extends GateOptions<Claims> {
  /** `upgradeWebSocket` of the application's Hono adapter. */
  upgradeWebSocket: HonoUpgrade<Context, Socket>;
  /** What the application does with an admitted connection. */
  events: (context: Context, live: LiveSocket<Claims>) => HonoEvents<Socket>;
}

/**
 * Makes a handler for a route that speaks the WebSocket protocol. A refused client gets the status of the refusal at the upgrade; its JSON
 * body too, except on Node, where Hono's own adapters leave out the body of a refused upgrade.
 *
 * From the disconnect on, and while a connection is muted, `onMessage` is not called.
 *
 * @example
 * ```ts
 * import { serve, upgradeWebSocket } from "@hono/node-server";
 * import { Hono } from "hono";
 * import { WebSocketServer } from "ws";
 * import { createSockets } from "authkernel/sockets";
 * import { liveWebSocket } from "authkernel/sockets/hono";
 *
 * const sockets = createSockets({ authenticator, broadcast, endpoint: "web" });
 * const app = new Hono();
 * app.get("/live", liveWebSocket({
 *   sockets,
 *   upgradeWebSocket,
 *   purposes: ["user"],
 *   events: (_context, live) => ({
 *     onOpen: (_event, socket) => socket.send(JSON.stringify({ socketId: live.identity.socketId })),
 *   }),
 * }));
 * serve({ fetch: app.fetch, port: 4000, websocket: { server: new WebSocketServer({ noServer: true }) } });
 * ```
 */
export function liveWebSocket<Context extends HonoContext, Socket extends HonoSocket, Claims extends ExtraClaims = ExtraClaims>(
  options: HonoSocketOptions<Context, Socket, Claims>,
): (context: Context, next: () => Promise<void>) => Promise<Response | undefined> {
  const { upgradeWebSocket, events } = options;
  const admit = gate(options);
  return async (context, next) => {
    const head = headOf(context);
    if (!isUpgrade(head)) return Refusal.because("upgrade_required").toResponse();
    const stream = streamOf(context);
    // `@hono/node-ws` does not listen while it waits: a client that resets its connection then would end the process.
    stream?.on("error", () => undefined);
    let live: LiveSocket<Claims>;
    try {
      live = await admit(head);
    } catch (error) {
      return Refusal.of(error).toResponse();
    }
    // On Node a client may go before its upgrade is done, and then no adapter says so. Elsewhere the registry gives it up in time.
    if (stream?.destroyed) live.release();
    else stream?.once("close", () => live.release());
    try {
      let passedOn = false;
      const response = await upgradeWebSocket((context) => under(live, events(context, live)))(context, async () => {
        passedOn = true;
        await next();
      });
      // The adapter could not upgrade.
      if (passedOn) live.release();
      return response;
    } catch (error) {
      live.release();
      throw error;
    }
  };
}

/** On Node the request as it came keeps apart what a fetch-standard one joins. */
function headOf({ req, env }: HonoContext) {
  const incoming: Partial<NodeRequest> | undefined = env?.incoming;
  return incoming?.headersDistinct && incoming.socket ? nodeHead(incoming as NodeRequest) : fetchHead(req.raw);
}

/** The stream under an upgrade on Node (`net.Socket`). */
interface NodeStream {
  readonly destroyed: boolean;
  on(event: "error", listener: () => void): unknown;
  once(event: "close", listener: () => void): unknown;
}

function streamOf({ env }: HonoContext): NodeStream | undefined {
  const stream: Partial<NodeStream> | undefined = env?.incoming?.socket;
  return typeof stream?.once === "function" ? (stream as NodeStream) : undefined;
}

/** The application's listeners, under the registration. A connection that never opens is given up by the registry. */
function under<Socket extends HonoSocket>(
  live: Pick<LiveSocket, "mayAct" | "attach" | "release">,
  events: HonoEvents<Socket>,
): HonoEvents<Socket> {
  return {
    onOpen(event, socket) {
      live.attach({ close: (code, reason) => close(socket, code, reason), terminate: () => terminate(socket.raw) });
      events.onOpen?.(event, socket);
    },
    onMessage(event, socket) {
      if (live.mayAct()) events.onMessage?.(event, socket);
    },
    onClose(event, socket) {
      live.release();
      events.onClose?.(event, socket);
    },
    onError(event, socket) {
      events.onError?.(event, socket);
    },
  };
}

function close(socket: HonoSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // Browser-style sockets, such as Deno's, may send 1000 and 3000 to 4999 only.
    socket.close();
  }
}

/** `ws` and Bun can cut; Deno's sockets end by themselves some time after the close. */
function terminate(raw: unknown): void {
  if (typeof raw === "object" && raw !== null && "terminate" in raw && typeof raw.terminate === "function") raw.terminate();
}
