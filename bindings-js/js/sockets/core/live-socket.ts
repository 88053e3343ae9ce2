import type { AdmitOptions, ExtraClaims, Identity } from "../../requests.js";
import type { Closing } from "./closing.js";

/** A connection of any protocol, as far as the registry has to know it. */
export interface Connection {
  /** Tells the peer why, and begins to close. Called once. */
  close(code: number, reason: string): void;
  /** Cuts the connection, whatever its peer does. Called when it has not closed in time. */
  terminate?(): void;
}

/** Which tokens may open a connection here. */
export interface OpenOptions extends Pick<AdmitOptions, "purposes" | "tenant"> {
  /** Which endpoint of the policy it belongs to; the registry's own when absent. */
  endpoint?: string | undefined;
}

/**
 * One live connection that was admitted.
 *
 * Whoever serves it accepts the connection, calls {@link LiveSocket.attach}, asks {@link LiveSocket.mayAct} before anything that was
 * received is acted on, and calls {@link LiveSocket.release} once the connection is gone. The helpers (`authkernel/sockets/ws` and its
 * like) do it.
 */
export interface LiveSocket<Claims extends ExtraClaims = ExtraClaims> {
  /** Whose connection it is: what the token said that it was last admitted with. */
  readonly identity: Identity<Claims>;
  /** The endpoint that it was opened on. */
  readonly endpoint: string;
  /** Why it has to close, once it has to. */
  readonly closing: Closing | undefined;
  /** Resolves when it has to close; never, when its peer ends it before. */
  readonly asked: Promise<Closing>;
  /**
   * Whether something that was received now may be acted on: false from the disconnect on, and from the deadline on. Never true again once
   * it was false for another reason than a deadline that is moved.
   */
  mayAct(): boolean;
  /**
   * Hands over the connection, once it is accepted; it is closed at once if it has to. A connection that is not handed over within 10 s is
   * taken as given up.
   */
  attach(connection: Connection): void;
  /**
   * Puts the connection on a later token of the same subject, tenant and session, and moves its deadline to that token's. Any other token
   * is `socket_mismatch`. A refusal changes nothing: the connection stays on the token it has.
   */
  prolong(token: string, options?: OpenOptions): Promise<Identity<Claims>>;
  /** Has it verified against storage at once. Never rejects. */
  verify(): Promise<void>;
  /** Closes it if its time is over, and cuts it if it has not closed in time. Only needed where `timers` is false. */
  expire(): void;
  /** The connection is gone. Harmless when repeated. */
  release(): void;
}
