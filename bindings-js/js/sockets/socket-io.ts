/**
 * Live connections over Socket.IO (server 4.x): a dead token is refused in the middleware, and a connection that has to close gets
 * Socket.IO's own DISCONNECT, after which the real client stays away ("io server disconnect"); after any other ending it would come back.
 */

import type { MaybePromise } from "../host.js";
import { nodeHead, readCredential } from "../middleware/credential.js";
import type { NodeRequest } from "../middleware/credential.js";
import type { ExtraClaims } from "../requests.js";
import { Refusal } from "../middleware/refusal.js";
import { checkGateOptions } from "./core/gate.js";
import type { GateOptions } from "./core/gate.js";
import type { LiveSocket } from "./core/live-socket.js";

/** What is needed of a Socket.IO `Socket`. */
export interface SocketIoSocket {
  readonly connected: boolean;
  readonly handshake: { readonly auth: Record<string, unknown> };
  readonly request: NodeRequest;
  readonly nsp: { on(event: "connect", listener: (socket: any) => void): unknown };
  readonly conn: { readonly transport: object; once(event: "close", listener: () => void): unknown };
  disconnect(close?: boolean): unknown;
  emit(event: string, ...values: any[]): unknown;
  use(middleware: (packet: any, next: (error?: Error) => void) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
}

/** How Socket.IO connections are admitted. */
export interface SocketIoOptions<Claims extends ExtraClaims = ExtraClaims>
  extends Omit<GateOptions<Claims>, "ticket" | "subprotocol" | "token"> {
  /**
   * The token that a client sent in another way than the usual ones. By default it is `auth.token` of the client's options, where there is
   * no `Authorization` header; then the cookie.
   */
  token?: ((socket: SocketIoSocket) => MaybePromise<string | null | undefined>) | undefined;
  /**
   * Whether the connection is closed with the namespace, and with it the client's other namespaces. False for applications whose namespaces
   * have tokens of their own: the real client still stays away; one that ignores the disconnect keeps a connection, and is not heard.
   * Default: true.
   */
  closeConnection?: boolean | undefined;
  /**
   * The name of an event that is sent with `{code, reason}` before the disconnect, so that the page can say whether it was signed out
   * (`revoked`) or has to get a new token (`expired`); Socket.IO's own DISCONNECT carries no reason. None when absent.
   */
  farewellEvent?: string | undefined;
}

const lives = new WeakMap<object, Live>();

/** What the helper needs of a registration, whatever its extra claims. */
type Live = Pick<LiveSocket, "mayAct" | "attach" | "release">;

/**
 * The registration of an admitted Socket.IO socket, in a `connection` handler and later.
 *
 * @example
 * ```ts
 * import { liveSocketOf } from "authkernel/sockets/socket-io";
 *
 * io.on("connection", (socket) => socket.join(liveSocketOf(socket)?.identity.subject ?? []));
 * ```
 */
export function liveSocketOf<Claims extends ExtraClaims = ExtraClaims>(socket: object): LiveSocket<Claims> | undefined {
  return lives.get(socket) as LiveSocket<any> | undefined;
}

/**
 * Makes the middleware that admits: give it to `io.use`, and to `use` of every namespace that has connections of its own.
 *
 * A refused client gets `connect_error` with `error.data` = `{code, message, status}`. From the disconnect on, and while a connection is
 * muted, no event of it reaches a listener. A connection that Socket.IO's state recovery brings back without running middleware is admitted
 * all the same, before any of its events is acted on.
 *
 * @example
 * ```ts
 * import { Server } from "socket.io";
 * import { createSockets } from "authkernel/sockets";
 * import { admission } from "authkernel/sockets/socket-io";
 *
 * const sockets = createSockets({ authenticator, broadcast, endpoint: "web" });
 * const io = new Server(http);
 * io.use(admission({ sockets, purposes: ["user"] }));
 * ```
 */
export function admission<Claims extends ExtraClaims = ExtraClaims>(
  options: SocketIoOptions<Claims>,
): (socket: SocketIoSocket, next: (error?: Error) => void) => void {
  checkGateOptions(options);
  const { sockets, closeConnection = true, farewellEvent } = options;
  const watched = new WeakSet<object>();

  async function admit(socket: SocketIoSocket): Promise<Live> {
    // The client may go before the middleware ends, and then nothing else is said of it.
    let live: Live | undefined;
    let gone = false;
    socket.conn.once("close", () => {
      gone = true;
      live?.release();
    });
    try {
      live = await sockets.open(await tokenOf(socket, options), options);
      lives.set(socket, live);
      if (gone) live.release();
      return live;
    } catch (error) {
      throw Refusal.of(error);
    }
  }

  /** Before the application's own listeners: from here on it is a connection. */
  function connected(socket: SocketIoSocket): void {
    const live = lives.get(socket);
    // State recovery has skipped the middleware: what it sends waits until it is admitted.
    const admitted = live
      ? undefined
      : admit(socket).then(
          (live) => (socket.connected ? attach(socket, live) : live.release()),
          () => void socket.disconnect(closeConnection),
        );
    // No event is acted on before the admission, after the disconnect, and while muted.
    socket.use((_packet, next) => {
      const pass = () => {
        if (lives.get(socket)?.mayAct()) next();
      };
      if (admitted && !lives.has(socket)) void admitted.then(pass);
      else pass();
    });
    if (live) attach(socket, live);
  }

  function attach(socket: SocketIoSocket, live: Live): void {
    socket.on("disconnect", () => live.release());
    live.attach({
      close(code, reason) {
        if (farewellEvent !== undefined) socket.emit(farewellEvent, { code, reason });
        if (closeConnection) cutLater(socket);
        socket.disconnect(closeConnection);
      },
    });
  }

  return (socket, next) => {
    if (!watched.has(socket.nsp)) {
      watched.add(socket.nsp);
      socket.nsp.on("connect", connected);
    }
    admit(socket).then(
      () => next(),
      (refusal: Refusal) => next(failure(refusal)),
    );
  };
}

/** How long the connection under a socket may take to end after the disconnect. */
const CUT_AFTER = 1_000;

/** Socket.IO takes a disconnected socket as gone at once, whatever its client does: the connection under it is cut when it stays. */
function cutLater({ conn }: SocketIoSocket): void {
  // The `ws` of a WebSocket transport; other transports have no connection that stays.
  const { socket } = conn.transport as { socket?: { terminate?(): void } };
  if (typeof socket?.terminate !== "function") return;
  const timer: unknown = setTimeout(() => socket.terminate?.(), CUT_AFTER);
  (timer as { unref?(): void }).unref?.();
}

async function tokenOf(socket: SocketIoSocket, options: Pick<SocketIoOptions, "token" | "cookie" | "publicUrl">): Promise<string> {
  const head = nodeHead(socket.request);
  if (options.token) {
    const token = await options.token(socket);
    if (typeof token === "string" && token !== "") return token;
  }
  const { token } = socket.handshake.auth;
  if (head.values("authorization").length === 0 && token !== undefined) {
    if (typeof token !== "string" || token === "") throw Refusal.because("authorization_invalid");
    return token;
  }
  return (await readCredential(head, { cookie: options.cookie, publicUrl: options.publicUrl })).token;
}

function failure(refusal: Refusal): Error {
  const { code, message, status } = refusal;
  return Object.assign(new Error(code), { data: { code, message, status } });
}
