/** A value, or a promise of one. */
type MaybePromise<T> = T | PromiseLike<T>;

/**
 * Why the page is signed out: the server closed the connection with `revoked` or `expired`, or it refuses to open one (`refused`). After
 * `expired` an application that can get a new token opens a new connection with it.
 */
export type SignedOutReason = "revoked" | "expired" | "refused";

/** What goes over the connection. */
export type SocketData = string | ArrayBuffer;

/** What a connection does now; a tab that another tab connects for says what that one does. */
export type SocketState = "connecting" | "open" | "waiting" | "closed" | "signed_out";

/** What can be listened to, and what the listener is given. */
export interface SocketEvents {
  /** It is open. */
  open: undefined;
  /** The server sent something. */
  message: SocketData;
  /** It is closed, or could not be opened; it is tried again after so many milliseconds, or not at all. */
  close: { code: number; reason: string; retryIn: number | undefined };
  /** The session is over; nothing is tried again. */
  signed_out: SignedOutReason;
}

/** How a connection is opened and kept. */
export interface OpenSocketOptions {
  /**
   * The token, which is then offered as the subprotocol `authkernel.bearer.<token>`: asked before every try. Without a value the page is
   * signed out.
   */
  token?: (() => MaybePromise<string | null | undefined>) | undefined;
  /**
   * A single-use ticket, which is then sent as `?ticket=`: asked before every try. Without a value the page is signed out; one that throws
   * (the server cannot be reached) is asked again later.
   */
  ticket?: (() => MaybePromise<string | null | undefined>) | undefined;
  /** Subprotocols to offer. With `token` and without any, `authkernel` is offered: a browser wants one of its offers chosen. */
  protocols?: readonly string[] | undefined;
  /**
   * What is asked after a connection that never opened, because browsers hide why: a URL that answers 401 when the session is over, such as
   * `/api/me`, fetched with the page's cookies; or a function that answers the status. Without it, tries go on.
   */
  probe?: string | (() => MaybePromise<number | Response>) | undefined;
  /** Close codes after which nothing is tried again and the page is signed out. Default: 4001. */
  signedOutCodes?: readonly number[] | undefined;
  /** Milliseconds before the first new try, doubled with every further one; by chance between half and the whole of it. Default: 500. */
  retryAfter?: number | undefined;
  /** Milliseconds between two tries at most. Default: 30,000. */
  retryAtMost?: number | undefined;
  /**
   * One connection for all tabs of this browser that open the same URL: one tab, elected by Web Locks, has it and passes on what it hears.
   * A text keeps those apart that use the same URL for different accounts. Where the browser has no Web Locks, every tab has its own.
   */
  shared?: boolean | string | undefined;
  /** The same as a listener for `signed_out`, that cannot be late. */
  onSignedOut?: ((reason: SignedOutReason) => void) | undefined;
}

/** What hears of a connection. */
export interface Sink {
  connecting(): void;
  opened(): void;
  message(data: SocketData): void;
  closed(event: SocketEvents["close"]): void;
  signedOut(reason: SignedOutReason): void;
}
