/** Live connections over `ws`: the client of a dead token is refused at the upgrade, and never accepted and closed. */

import { chooseSubprotocol, isUpgrade, nodeHead } from "../middleware/credential.js";
import type { NodeRequest } from "../middleware/credential.js";
import type { ExtraClaims } from "../requests.js";
import { Refusal } from "../middleware/refusal.js";
import { gate } from "./core/gate.js";
import type { Farewell } from "./core/closing.js";
import type { GateOptions } from "./core/gate.js";
import type { LiveSocket } from "./core/live-socket.js";
import { unref } from "./core/timers.js";

/** What is needed of a `WebSocket` of `ws`. */
export interface WsSocket {
  close(code?: number, reason?: string): void;
  terminate(): void;
  ping(): void;
  on(event: "close" | "pong", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  emit(event: string | symbol, ...values: any[]): boolean;
}

/** What is needed of a `WebSocketServer` of `ws`. */
export interface WsServer<Socket extends WsSocket, Request, Stream> {
  readonly options: { noServer?: boolean | undefined; handleProtocols?: unknown };
  handleUpgrade(request: Request, socket: Stream, head: any, accepted: (socket: Socket, request: Request) => void): void;
  emit(event: "connection", ...values: any[]): boolean;
}

/** The byte stream under an upgrade (`stream.Duplex`). */
export interface UpgradeStream {
  readonly destroyed: boolean;
  on(event: "error" | "close", listener: () => void): unknown;
  off(event: "error" | "close", listener: () => void): unknown;
  once(event: "finish" | "close", listener: () => void): unknown;
  end(text: string): unknown;
  destroy(): unknown;
}

/** How upgrades are handled. */
export interface WsOptions<
  Socket extends WsSocket,
  Request extends NodeRequest,
  Stream,
  Claims extends ExtraClaims = ExtraClaims,
> extends GateOptions<Claims> {
  /** The application's own `new WebSocketServer({ noServer: true })`; every accepted socket is also its `connection` event. */
  server: WsServer<Socket, Request, Stream>;
  /** Only upgrades of this path are handled; all when absent. */
  path?: string | undefined;
  /** Called with every accepted socket, before anything that it sends can be heard. */
  connected?: ((socket: Socket, live: LiveSocket<Claims>, request: Request) => void) | undefined;
  /** What peers of this route are told that have to close, where it is not what the registry tells all others. */
  farewell?: ((farewell: Farewell) => Farewell) | undefined;
  /** Called with every upgrade that was refused: for an audit log. The peer is answered whatever it does. */
  refused?: ((refusal: Refusal, request: Request) => void) | undefined;
  /** Milliseconds between pings; a peer from which not even a pong came in between is cut. 0: no pings. Default: 25,000. */
  pingEvery?: number | undefined;
}

/**
 * Makes a listener for the `upgrade` event of an HTTP server. It answers false, at once, for a request that it leaves to others.
 *
 * From the disconnect on, and while a connection is muted, its `message` events are not emitted, whoever listens.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { WebSocketServer } from "ws";
 * import { createSockets } from "authkernel/sockets";
 * import { handleUpgrades } from "authkernel/sockets/ws";
 *
 * const sockets = createSockets({ authenticator, broadcast, endpoint: "web" });
 * const server = new WebSocketServer({ noServer: true, maxPayload: 65_536 });
 * const http = createServer(app);
 * http.on("upgrade", handleUpgrades({
 *   sockets,
 *   server,
 *   path: "/live",
 *   purposes: ["user"],
 *   connected(socket, live) {
 *     socket.on("message", (data) => socket.send(`${live.identity.subject} said ${data}`));
 *   },
 * }));
 * ```
 */
export function handleUpgrades<
  Socket extends WsSocket,
  Request extends NodeRequest,
  Stream extends UpgradeStream,
  Claims extends ExtraClaims = ExtraClaims,
>(options: WsOptions<Socket, Request, Stream, Claims>): (request: Request, stream: Stream, head: unknown) => boolean {
  const { server, path, connected, refused } = options;
  const admit = gate(options);
  const keepAlive = pinger(options.pingEvery ?? 25_000);
  if (server.options.noServer !== true) throw new TypeError("the WebSocketServer must be made with { noServer: true }");
  // Otherwise ws would choose the first offer, and that may be the token.
  if (options.subprotocol && !server.options.handleProtocols) {
    server.options.handleProtocols = (offers: Set<string>) => chooseSubprotocol(offers) ?? false;
  }

  async function handle(request: Request, stream: Stream, head: unknown): Promise<void> {
    // Nobody else listens to the stream until it is accepted.
    const ignore = () => undefined;
    stream.on("error", ignore);
    let live: LiveSocket<Claims>;
    try {
      const read = nodeHead(request);
      if (!isUpgrade(read)) throw Refusal.because("upgrade_required");
      live = await admit(read);
    } catch (error) {
      const refusal = Refusal.of(error);
      refuse(stream, refusal);
      return refused?.(refusal, request);
    }
    const gone = () => live.release();
    if (stream.destroyed) return gone();
    stream.once("close", gone);
    server.handleUpgrade(request, stream, head, (socket) => {
      stream.off("error", ignore);
      serve(socket, live, options.farewell);
      keepAlive(socket);
      connected?.(socket, live, request);
      server.emit("connection", socket, request);
    });
  }

  return (request, stream, head) => {
    if (path !== undefined && pathOf(request) !== path) return false;
    void handle(request, stream, head).catch(() => stream.destroy());
    return true;
  };
}

/** Puts a socket under its registration. */
function serve(
  socket: WsSocket,
  live: Pick<LiveSocket, "mayAct" | "attach" | "release">,
  farewell: (told: Farewell) => Farewell = (told) => told,
): void {
  const emit = socket.emit;
  // Every listener goes through here, whether it was added by the application or by another library.
  socket.emit = function (this: WsSocket, event, ...values) {
    return event === "message" && !live.mayAct() ? false : emit.call(this, event, ...values);
  };
  socket.on("close", () => live.release());
  // Without a listener, an error of one peer would end the process.
  socket.on("error", () => undefined);
  live.attach({
    close(code, reason) {
      const told = farewell({ code, reason });
      socket.close(told.code, told.reason);
    },
    terminate: () => socket.terminate(),
  });
}

function refuse(stream: UpgradeStream, refusal: Refusal): void {
  if (stream.destroyed) return;
  const body = refusal.body();
  const headers = { ...refusal.headers(), connection: "close", "content-length": String(new TextEncoder().encode(body).length) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  stream.once("finish", () => stream.destroy());
  stream.end(`HTTP/1.1 ${refusal.status} ${STATUS_TEXT[refusal.status] ?? "Refused"}\r\n${lines.join("")}\r\n${body}`);
}

const STATUS_TEXT: Record<number, string> = {
  401: "Unauthorized",
  403: "Forbidden",
  422: "Unprocessable Entity",
  426: "Upgrade Required",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** Pings all sockets, and cuts those from which nothing came since the ping before: one timer for all of them. */
function pinger(every: number): (socket: WsSocket) => void {
  const heard = new Map<WsSocket, boolean>();
  let timer: ReturnType<typeof setInterval> | undefined;
  const round = () => {
    for (const [socket, alive] of heard) {
      if (!alive) {
        socket.terminate();
        continue;
      }
      heard.set(socket, false);
      socket.ping();
    }
  };
  return (socket) => {
    if (every <= 0) return;
    heard.set(socket, true);
    socket.on("pong", () => heard.has(socket) && heard.set(socket, true));
    socket.on("close", () => {
      heard.delete(socket);
      if (heard.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    });
    timer ??= unref(setInterval(round, every));
  };
}

function pathOf(request: NodeRequest): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}
