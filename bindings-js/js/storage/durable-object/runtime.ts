/** What is used of the Workers runtime, by its shape: nothing here imports `cloudflare:workers`, so it loads everywhere. */

/** What is used of a Durable Object's `ctx.storage`; the object must be backed by SQLite (`new_sqlite_classes`). */
export interface DurableObjectStorageLike {
  readonly sql: {
    exec(query: string, ...bindings: unknown[]): {
      raw(): Iterable<unknown[]>;
    };
  };
  transactionSync<T>(closure: () => T): T;
}

/** What is used of a Durable Object's `ctx` where it holds connections. */
export interface DurableObjectStateLike {
  readonly storage: DurableObjectStorageLike & {
    getAlarm(): Promise<number | null>;
    setAlarm(scheduledTime: number): Promise<void>;
  };
  acceptWebSocket(socket: HibernatableSocket, tags?: string[]): void;
  getWebSockets(tag?: string): HibernatableSocket[];
}

/** What is used of a WebSocket on the server's side of a hibernating object. */
export interface HibernatableSocket {
  readonly readyState: number;
  send(message: string | ArrayBuffer): void;
  close(code?: number, reason?: string): void;
  serializeAttachment(attachment: unknown): void;
  deserializeAttachment(): unknown;
}

/** `WebSocket.OPEN` */
export const OPEN = 1;

/** What the runtime has as globals. */
export interface WorkerGlobals {
  WebSocketPair: new () => { 0: HibernatableSocket; 1: HibernatableSocket };
}
