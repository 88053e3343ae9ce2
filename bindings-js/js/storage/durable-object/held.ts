/** What is kept with each connection, so that it outlives the object's hibernation. */

import type { Timestamp } from "../../host.js";
import type { Identity, SocketState } from "../../requests.js";
import { defaultFarewell, type Reason } from "../../sockets/core/closing.js";
import { type HibernatableSocket, OPEN } from "./runtime.js";

/** A connection as the object knows it: attached to its WebSocket. */
export interface HeldSocket {
  /** The endpoint that it was opened on. */
  readonly endpoint: string;
  /** The topic that it is subscribed to. */
  readonly topic: string;
  /** What the kernel is asked about. */
  readonly state: SocketState;
  /** When its token ends, in seconds. */
  readonly deadline: Timestamp;
  /** It may not act any more, and is closed at this moment, in milliseconds. */
  readonly mutedUntil?: number;
  /** It was asked to close. */
  readonly closing?: Reason;
  /** What the application keeps with it. */
  readonly data?: unknown;
}

/** What the runtime lets be attached, with some room for its own framing: 16 KiB, of which an application may use the rest. */
export function heldFrom(socket: HibernatableSocket): HeldSocket | undefined {
  const attachment = socket.deserializeAttachment() as { authkernel?: HeldSocket } | null | undefined;
  return attachment?.authkernel;
}

/** Attaches what is known now. */
export function hold(socket: HibernatableSocket, held: HeldSocket): void {
  socket.serializeAttachment({ authkernel: held });
}

/** Whether something that was received now may be acted on. */
export function mayAct(socket: HibernatableSocket, held: HeldSocket, now: number): boolean {
  const open = socket.readyState === OPEN && held.closing === undefined;
  return open && held.mutedUntil === undefined && now < held.deadline * 1000;
}

/** Asks a connection to close. Nothing that it sends is acted on from here on. */
export function close(socket: HibernatableSocket, held: HeldSocket, reason: Reason): void {
  if (held.closing !== undefined) return;
  hold(socket, { ...held, closing: reason });
  const told = defaultFarewell({ reason });
  try {
    socket.close(told.code, told.reason);
  } catch {
    // Its peer is gone already.
  }
}

/** Since when storage is known to have been asked, and what it was asked about. */
export function stateOf(identity: Identity, verifiedAt: Timestamp): SocketState {
  const { tenant, jti, sid, subject, purpose, kid, issuedAt, expiresAt, epoch } = identity;
  return { tenant, jti, sid, subject, purpose, kid, issuedAt, expiresAt, epoch, verifiedAt };
}
