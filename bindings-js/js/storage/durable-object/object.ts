/** The Durable Object itself. */

import type { Message, PublishAnswer, Storage } from "../../host.js";
import { fetchHead, isUpgrade, readCredential } from "../../middleware/credential.js";
import { Refusal } from "../../middleware/refusal.js";
import type { Authenticator } from "../../requests.js";
import type { Driver } from "../sql/driver.js";
import { sqlStorage } from "../sql/storage.js";
import { touch } from "../sql/upkeep.js";
import { type Chore, Chores } from "./chores.js";
import { durableObjectDriver } from "./driver.js";
import { heldFrom, type HeldSocket, mayAct } from "./held.js";
import type { AuthObjectOptions, OpenSocketOptions } from "./options.js";
import { reply, type StorageMethod, type StorageReply } from "./rpc.js";
import type { DurableObjectStateLike, HibernatableSocket, WorkerGlobals } from "./runtime.js";
import { ObjectSockets } from "./sockets.js";

/** How long after it is due a disconnect is sent again, in milliseconds: who committed it has sent it by then, or will not. */
const REDELIVER_AFTER = 1_000;
/** How soon a chore that failed is repeated, in milliseconds. */
const AGAIN = 5_000;
/** The moment at which the next undelivered disconnect may be claimed, in seconds. */
const NEXT_DISCONNECT = `SELECT min(max(notify_due, leased_until)) FROM records INDEXED BY records_pending WHERE notify_due IS NOT NULL`;

/** Everything that the class does, apart from being a class of the runtime's. */
export class ObjectCore<Env> {
  /** The object's storage; what it revokes is sent again until it was delivered. */
  readonly storage: Storage;
  readonly #options: AuthObjectOptions<Env>;
  readonly #env: Env;
  readonly #chores: Chores;
  readonly #sockets: ObjectSockets;
  readonly #nextDisconnect: () => unknown;
  #authenticator: Promise<Authenticator> | undefined;

  constructor(ctx: DurableObjectStateLike, env: Env, options: AuthObjectOptions<Env>) {
    this.#options = options;
    this.#env = env;
    const sql = durableObjectDriver(ctx.storage);
    this.#chores = new Chores(sql, ctx);
    this.#nextDisconnect = () => sql.rows(NEXT_DISCONNECT, [])[0]?.[0];
    this.storage = this.#watched(sqlStorage(sql, (note) => touch(sql, note)), sql);
    this.#sockets = new ObjectSockets(ctx, this.#chores, () => this.authenticator());
  }

  /** The object's own authenticator. */
  authenticator(): Promise<Authenticator> {
    this.#authenticator ??= this.#make().catch((error: unknown) => {
      // The next one tries again.
      this.#authenticator = undefined;
      throw error;
    });
    return this.#authenticator;
  }

  async #make(): Promise<Authenticator> {
    const broadcast = { publish: (messages: Message[]) => this.publish(messages) };
    return this.#options.authenticator({ storage: this.storage, broadcast }, this.#env);
  }

  call(method: StorageMethod, input: unknown): StorageReply {
    return reply(this.storage, method, input);
  }

  publish(messages: readonly Message[]): PublishAnswer[] {
    this.#sockets.deliver(messages);
    return messages.map(() => "taken");
  }

  async fetch(request: Request): Promise<Response> {
    const head = fetchHead(request);
    if (!isUpgrade(head)) return Refusal.because("upgrade_required").toResponse();
    try {
      const { token: find } = this.#options;
      const token = find ? await find(request, this.#env) : (await readCredential(head, { cookie: false })).token;
      if (!token) return Refusal.because("credential_missing").toResponse();
      const tenant = (await this.#options.tenant?.(request, this.#env)) ?? undefined;
      return await this.openSocket({ token, tenant });
    } catch (error) {
      return refusal(error);
    }
  }

  /** The answer to an upgrade request whose token was found: the connection, or a refusal. */
  async openSocket(options: OpenSocketOptions): Promise<Response> {
    const { WebSocketPair } = globalThis as unknown as WorkerGlobals;
    const { 0: client, 1: server } = new WebSocketPair();
    try {
      const { purposes, endpoint = "web" } = this.#options;
      const where = { purposes: options.purposes ?? purposes, endpoint: options.endpoint ?? endpoint };
      const held = await this.#sockets.open(server, { ...options, ...where });
      this.#chores.by("sweep", Date.now() + this.#sweepEvery);
      this.#chores.by("expunge", Date.now() + this.#expungeEvery);
      await this.#options.opened?.(server, held, this.#env);
    } catch (error) {
      return refusal(error);
    }
    const headers: Record<string, string> = options.protocol === undefined ? {} : { "sec-websocket-protocol": options.protocol };
    // Only workerd knows `webSocket`.
    const init = { status: 101, webSocket: client, headers };
    return new Response(null, init as ResponseInit);
  }

  prolong(socket: HibernatableSocket, token: string): Promise<HeldSocket> {
    return this.#sockets.prolong(socket, token, this.#options.purposes);
  }

  async message(socket: HibernatableSocket, message: string | ArrayBuffer): Promise<void> {
    const held = heldFrom(socket);
    if (held === undefined || !mayAct(socket, held, Date.now())) return;
    await this.#options.message?.(socket, message, held, this.#env);
  }

  closed(socket: HibernatableSocket, code: number): void {
    // Answers the peer's close; with later compatibility dates the runtime has done so. Some codes may not be sent: then without one.
    for (const close of [() => socket.close(code), () => socket.close()]) {
      try {
        return close();
      } catch {
        // Not with this code, or it is closed.
      }
    }
  }

  alarm(): Promise<void> {
    return this.#chores.run(Date.now(), AGAIN, (chore) => this.#do(chore));
  }

  /** Does a chore; answers when it is due next, in milliseconds. */
  async #do(chore: Chore): Promise<number | undefined> {
    switch (chore) {
      case "deadlines":
        return this.#sockets.closeDue(Date.now());
      case "sweep": {
        const again = await this.#sockets.sweep(this.#sweepEvery);
        return again === undefined ? undefined : Date.now() + again;
      }
      case "redeliver": {
        const auth = await this.authenticator();
        while ((await auth.redeliver()).more);
        return this.#redeliverAt();
      }
      case "expunge": {
        const auth = await this.authenticator();
        const { more } = await auth.expunge();
        return Date.now() + (more ? AGAIN : this.#expungeEvery);
      }
    }
  }

  get #sweepEvery(): number {
    return (this.#options.sweepEvery ?? 30) * 1000;
  }

  get #expungeEvery(): number {
    return (this.#options.expungeEvery ?? 3_600) * 1000;
  }

  /** What was revoked and is not marked as delivered soon is sent again: whoever revoked it may be gone. */
  #redeliverAt(): number | undefined {
    const claimable = this.#nextDisconnect();
    return typeof claimable === "number" ? Math.max(claimable * 1000, Date.now()) + REDELIVER_AFTER : undefined;
  }

  /** The storage, whose writes say in the same transaction what has to be done after them. */
  #watched(storage: Storage, sql: Driver): Storage {
    const and = <Input, Answer>(call: (input: Input) => Answer, after: () => void) => {
      return (input: Input): Answer =>
        sql.write(() => {
          const answered = call(input);
          after();
          return answered;
        });
    };
    const watched = <Input, Answer>(call: (input: Input) => Answer) =>
      and(call, () => {
        const moment = this.#redeliverAt();
        if (moment !== undefined) this.#chores.by("redeliver", moment);
      });
    return {
      ...storage,
      // What is stored has to be deleted some day, whether or not anybody ever connects.
      insert: and(storage.insert, () => this.#chores.by("expunge", Date.now() + this.#expungeEvery)),
      revoke: watched(storage.revoke),
      revokeMatching: watched(storage.revokeMatching),
      undelivered: watched(storage.undelivered),
    };
  }
}

/** The answer to a request that is refused: the kernel's code and message, and nothing of any other error. */
function refusal(error: unknown): Response {
  const refused = Refusal.of(error);
  if (refused.code === "internal") console.error("a live connection could not be opened", error);
  return refused.toResponse();
}
