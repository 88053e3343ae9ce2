import { AuthError } from "../../errors.js";
import type { Code } from "../../errors.js";
import type { AdmitOptions, Identity, SocketState } from "../../requests.js";
import { refusalOf } from "./closing.js";
import type { Closing, Reason } from "./closing.js";
import type { Connection, LiveSocket, OpenOptions } from "./live-socket.js";
import type { Registry } from "./registry.js";

/** How often an admission is repeated when the policy changes the topic while it is decided. */
const TRIES = 3;

/** Registered but not admitted; admitted; open but unable to act; asked to close; gone. No phase leads back. */
type Phase = "opening" | "open" | "muted" | "closing" | "gone";

/** What is known of one live connection. */
export class Entry implements LiveSocket {
  phase: Phase = "opening";
  closing: Closing | undefined;
  connection: Connection | undefined;
  /** The topic of the token that it is about to stand on. */
  nextTopic: string | undefined;
  /** Its place in the heap of deadlines; -1: in none. */
  place = -1;
  /** Whether it was ever accepted: then its end is told. */
  admitted = false;
  /** Whether what comes after the telling was done. */
  woundUp = false;
  #mutedUntil = Infinity;
  #verifiedAt: number;
  #prolonging: Promise<unknown> = Promise.resolve();
  #asked: Promise<Closing> | undefined;
  #resolveAsked: ((closing: Closing) => void) | undefined;

  constructor(
    private readonly registry: Registry,
    readonly endpoint: string,
    public topic: string,
    private readonly options: OpenOptions,
    public identity: Identity,
    verifiedAt: number,
    public deadline: number,
  ) {
    this.#verifiedAt = verifiedAt;
  }

  mayAct(): boolean {
    return this.phase === "open" && performance.now() < this.deadline;
  }

  get asked(): Promise<Closing> {
    this.#asked ??= new Promise((resolve) => {
      this.#resolveAsked = resolve;
      if (this.closing) resolve(this.closing);
    });
    return this.#asked;
  }

  attach(connection: Connection): void {
    if (this.connection) throw new Error("the live socket has a connection already");
    this.connection = connection;
    this.registry.attached(this);
  }

  /** Authenticates again and decides on fresh storage, while the connection is subscribed to the token's topic. */
  async admit(token: string, options: AdmitOptions): Promise<void> {
    try {
      for (let tries = 0; tries < TRIES; tries++) {
        const askedAt = this.registry.settings.now();
        const identity = await this.registry.authenticator.admit(token, options);
        const topic = topicOf(identity);
        if (topic === this.topic || topic === this.nextTopic) {
          this.registry.settle(this, topic, identity, askedAt);
          return;
        }
        // Another token's topic: subscribed first, then decided again.
        this.registry.table.subscribeNext(this, topic);
      }
      throw new AuthError("kernel_unavailable", "unavailable", "the policy changes while the connection is admitted: connect again");
    } finally {
      this.registry.table.forgetNext(this);
    }
  }

  /** From "registered" to "open", unless the close was asked for, or acting forbidden, meanwhile. */
  accept(): void {
    if (this.phase !== "opening") throw refusalOf(this.closing);
    this.phase = "open";
    this.admitted = true;
  }

  prolong(token: string, options: OpenOptions = this.options): Promise<Identity> {
    // One at a time.
    const prolonged = this.#prolonging.then(() => this.#prolong(token, options));
    this.#prolonging = prolonged.catch(() => undefined);
    return prolonged;
  }

  async #prolong(token: string, { purposes, tenant }: OpenOptions): Promise<Identity> {
    const { subject, sid, tenant: own } = this.identity;
    try {
      await this.admit(token, { purposes, tenant, socket: { tenant: own, subject, sid } });
    } catch (error) {
      // A token of this very session is dead: its disconnect may have been lost.
      if (error instanceof AuthError && DEAD.has(error.code)) this.registry.sweeper.ask([this]);
      throw error;
    }
    if (this.phase !== "open") throw refusalOf(this.closing);
    return this.identity;
  }

  verify(): Promise<void> {
    return this.phase === "gone" ? Promise.resolve() : this.registry.sweeper.verifyNow(this);
  }

  expire(): void {
    this.registry.expire(this);
  }

  release(): void {
    this.registry.release(this);
  }

  /** Forbids acting until the connection is over; false when it was forbidden already. */
  mute(until: number): boolean {
    if (this.phase !== "open" && this.phase !== "opening") return false;
    this.phase = "muted";
    this.#mutedUntil = until;
    return true;
  }

  /** When it has to be looked at next, if nothing is heard until then. */
  get due(): number {
    return Math.min(this.deadline, this.#mutedUntil);
  }

  /** Why it has to close, if its time is over. */
  over(now: number): Reason | undefined {
    if (this.deadline <= now) return "expired";
    return this.#mutedUntil <= now ? "muted_timeout" : undefined;
  }

  /** Whoever waits for the close is told. */
  resolveAsked(closing: Closing): void {
    this.#resolveAsked?.(closing);
  }

  state(): SocketState {
    const { tenant, jti, sid, subject, purpose, kid, issuedAt, expiresAt, epoch } = this.identity;
    return { tenant, jti, sid, subject, purpose, kid, issuedAt, expiresAt, epoch, verifiedAt: this.#verifiedAt };
  }

  /** Storage was asked about this token at this moment, with success. */
  verified(identity: Identity, at: number): void {
    if (this.identity === identity) this.#verifiedAt = Math.max(this.#verifiedAt, at);
  }

  replace(identity: Identity, verifiedAt: number, deadline: number): void {
    this.identity = identity;
    this.#verifiedAt = verifiedAt;
    this.deadline = deadline;
  }
}

/** What says that the session of the token is dead, not only that this token is no good. */
const DEAD: ReadonlySet<Code> = new Set<Code>(["token_revoked", "session_ended", "token_cut_off", "key_revoked"]);

export function topicOf(identity: Identity): string {
  if (identity.socketId !== undefined) return identity.socketId;
  throw new AuthError("purpose_not_allowed", "denied", "a token of this purpose opens no live connection");
}
