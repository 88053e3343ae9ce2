/** The connections of an object: opened after they are subscribed, closed when something is heard of them. */

import { AuthError } from "../../errors.js";
import type { Disconnect, Message, Recheck } from "../../host.js";
import type { Authenticator, Identity, SweepReport, Verdict } from "../../requests.js";
import type { Chores } from "./chores.js";
import { reasonOf } from "../../sockets/core/closing.js";
import { close, heldFrom, type HeldSocket, hold, mayAct, stateOf } from "./held.js";
import type { OpenSocketOptions } from "./options.js";
import type { DurableObjectStateLike, HibernatableSocket } from "./runtime.js";

/** How many connections are asked about in one sweep call. */
const BATCH = 500;
/** How long a connection stays open that may not act any more, in milliseconds. */
const MUTE_FOR = 30_000;
/** How soon a sweep that storage did not answer is repeated, in milliseconds. */
const BLIND = 5_000;
/** How often an admission is repeated when the policy changes the topic while it is decided. */
const TRIES = 3;

/** A connection that is being decided about: it is subscribed already. */
interface Opening {
  readonly endpoint: string;
  readonly topic: string;
  ended: boolean;
  recheck: boolean;
}

/** The parts of an authenticator that decide about connections. */
export type Decider = Pick<Authenticator, "authenticate" | "admit" | "sweep">;

export class ObjectSockets {
  readonly #ctx: DurableObjectStateLike;
  readonly #chores: Chores;
  readonly #decider: () => Promise<Decider>;
  readonly #opening = new Set<Opening>();

  constructor(ctx: DurableObjectStateLike, chores: Chores, decider: () => Promise<Decider>) {
    this.#ctx = ctx;
    this.#chores = chores;
    this.#decider = decider;
  }

  /** Authenticates, subscribes, decides again on fresh storage, and only then accepts. */
  async open(
    socket: HibernatableSocket,
    { token, tenant, purposes, endpoint, data }: OpenSocketOptions & { purposes: readonly string[]; endpoint: string },
  ): Promise<HeldSocket> {
    const decider = await this.#decider();
    const options = { purposes, ...(tenant === undefined ? {} : { tenant }) };
    let topic = topicOf(await decider.authenticate(token, options));
    for (let tried = 0; tried < TRIES; tried++) {
      const opening: Opening = { endpoint, topic, ended: false, recheck: false };
      this.#opening.add(opening);
      try {
        const asked = seconds();
        const identity = await decider.admit(token, options);
        const admitted = topicOf(identity);
        if (opening.ended) throw new AuthError("token_revoked", "denied", "the token was revoked: sign in again");
        if (admitted === topic) {
          const held = this.#accept(socket, identity, { endpoint, topic, asked, data });
          if (opening.recheck) this.#chores.by("sweep", Date.now());
          return held;
        }
        topic = admitted;
      } finally {
        this.#opening.delete(opening);
      }
    }
    throw new AuthError("kernel_unavailable", "unavailable", "the policy changes while the connection is admitted: connect again");
  }

  #accept(
    socket: HibernatableSocket,
    identity: Identity,
    { endpoint, topic, asked, data }: { endpoint: string; topic: string; asked: number; data: unknown },
  ): HeldSocket {
    const state = stateOf(identity, asked);
    const held: HeldSocket = { endpoint, topic, state, deadline: identity.deadline, ...(data === undefined ? {} : { data }) };
    // First what is attached: a connection without it would be nobody's.
    hold(socket, held);
    try {
      this.#ctx.acceptWebSocket(socket, [topicTag(endpoint, topic), sidTag(state.sid), subjectTag(state.subject)]);
    } catch (cause) {
      const message = "this object holds as many live connections as it may: try again later";
      throw new AuthError("overloaded", "unavailable", message, { cause });
    }
    this.#chores.by("deadlines", held.deadline * 1000);
    return held;
  }

  /** Puts a connection on a later token of its subject, tenant and session. A refusal changes nothing. */
  async prolong(socket: HibernatableSocket, token: string, purposes: readonly string[]): Promise<HeldSocket> {
    const decider = await this.#decider();
    const before = open(socket);
    const { tenant, subject, sid } = before.state;
    const asked = seconds();
    const options = { purposes, ...(tenant === undefined ? {} : { tenant }) };
    const identity = await decider.admit(token, { ...options, socket: { ...(tenant === undefined ? {} : { tenant }), subject, sid } });
    // A hibernating socket keeps the tags that it was accepted with.
    if (identity.socketId !== before.topic) {
      throw new AuthError("socket_mismatch", "denied", "the later token has another topic: use a template with sid, or connect again");
    }
    const held = { ...open(socket), state: stateOf(identity, asked), deadline: identity.deadline };
    hold(socket, held);
    this.#chores.by("deadlines", held.deadline * 1000);
    return held;
  }

  /** Does what messages say. */
  deliver(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.kind === "disconnect") this.#disconnect(message);
      else this.#recheck(message);
    }
  }

  #disconnect({ endpoint, topic }: Disconnect): void {
    for (const opening of this.#opening) if (opening.endpoint === endpoint && opening.topic === topic) opening.ended = true;
    for (const [socket, held] of this.#held(topicTag(endpoint, topic))) {
      // A tag may be cut short; what is attached is whole.
      if (held.endpoint === endpoint && held.topic === topic) close(socket, held, "revoked");
    }
  }

  /** Has matching connections looked at now. Nobody waits for it: what fails is found by the sweep after it. */
  #recheck(recheck: Recheck): void {
    for (const opening of this.#opening) opening.recheck = true;
    const tag = recheck.sid !== undefined ? sidTag(recheck.sid) : recheck.subject !== undefined ? subjectTag(recheck.subject) : undefined;
    const matching = this.#held(tag).filter(([, held]) => matches(recheck, held));
    if (matching.length === 0) return;
    this.#ask(matching).then(
      (blind) => blind && this.#chores.by("sweep", Date.now() + BLIND),
      () => this.#chores.by("sweep", Date.now() + BLIND),
    );
  }

  /** Asks about all connections; answers how soon to ask again, in milliseconds, or nothing when there is none. */
  async sweep(every: number): Promise<number | undefined> {
    const blind = await this.#ask(this.#held());
    if (this.#held().length === 0) return undefined;
    return blind ? BLIND : every;
  }

  /** Asks about connections, and does what was decided; true when storage did not answer. */
  async #ask(all: [HibernatableSocket, HeldSocket][]): Promise<boolean> {
    const decider = await this.#decider();
    let blind = false;
    for (let from = 0; from < all.length; from += BATCH) {
      const batch = all.slice(from, from + BATCH);
      const asked = seconds();
      const report: SweepReport = await decider.sweep(batch.map(([, { state }]) => state));
      blind ||= report.error !== undefined;
      batch.forEach(([socket, held], at) => this.#apply(socket, held, report.verdicts[at] ?? "unverified", asked));
    }
    return blind;
  }

  #apply(socket: HibernatableSocket, asked: HeldSocket, verdict: Verdict, at: number): void {
    const held = heldFrom(socket);
    if (held === undefined || held.closing !== undefined || verdict === "unverified") return;
    // It was prolonged meanwhile: what was decided about the token before does not count.
    if (held.state.jti !== asked.state.jti || held.deadline !== asked.deadline) {
      if (verdict !== "keep") this.#chores.by("sweep", Date.now());
      return;
    }
    if (verdict === "keep") {
      hold(socket, { ...held, state: { ...held.state, verifiedAt: Math.max(held.state.verifiedAt, at) } });
    } else if (verdict === "mute") {
      if (held.mutedUntil !== undefined) return;
      const mutedUntil = Date.now() + MUTE_FOR;
      hold(socket, { ...held, mutedUntil });
      this.#chores.by("deadlines", mutedUntil);
    } else {
      close(socket, held, reasonOf(verdict.close));
    }
  }

  /** Closes what is over; answers when the next one is, in milliseconds. */
  closeDue(now: number): number | undefined {
    let next: number | undefined;
    for (const [socket, held] of this.#held()) {
      const deadline = held.deadline * 1000;
      const over = Math.min(deadline, held.mutedUntil ?? deadline);
      if (over > now) next = Math.min(next ?? over, over);
      else close(socket, held, deadline <= now ? "expired" : "muted_timeout");
    }
    return next;
  }

  /** The connections that are open and were not asked to close. */
  #held(tag?: string): [HibernatableSocket, HeldSocket][] {
    return this.#ctx.getWebSockets(tag).flatMap((socket): [HibernatableSocket, HeldSocket][] => {
      const held = heldFrom(socket);
      return held === undefined || held.closing !== undefined ? [] : [[socket, held]];
    });
  }
}

/** What is attached, if the connection may act. */
function open(socket: HibernatableSocket): HeldSocket {
  const held = heldFrom(socket);
  if (held !== undefined && mayAct(socket, held, Date.now())) return held;
  throw new AuthError("session_ended", "denied", "the connection has ended: sign in again");
}

function topicOf(identity: Identity): string {
  if (identity.socketId !== undefined) return identity.socketId;
  throw new AuthError("purpose_not_allowed", "denied", "a token of this purpose opens no live connection");
}

function matches({ tenant, subject, purpose, sid, kid }: Recheck, { state }: HeldSocket): boolean {
  const equal = (wanted: string | undefined, found: string | null | undefined): boolean => wanted === undefined || wanted === found;
  const ofSubject = equal(tenant, state.tenant) && equal(subject, state.subject);
  return ofSubject && equal(purpose, state.purpose) && equal(sid, state.sid) && equal(kid, state.kid);
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** A tag has 256 characters at most. It only narrows the search: what is attached decides. */
const tag = (text: string): string => text.slice(0, 256);
const topicTag = (endpoint: string, topic: string): string => tag(`topic:${topic}@${endpoint}`);
const sidTag = (sid: string): string => tag(`sid:${sid}`);
const subjectTag = (subject: string): string => tag(`subject:${subject}`);
