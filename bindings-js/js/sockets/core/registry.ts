import { AuthError } from "../../errors.js";
import type { Message } from "../../host.js";
import type { Identity, Verdict } from "../../requests.js";
import { reasonOf, shuttingDown } from "./closing.js";
import type { Closing, Reason } from "./closing.js";
import { Deadlines } from "./deadlines.js";
import { Entry } from "./entry.js";
import type { OpenOptions } from "./live-socket.js";
import { Observer } from "./observer.js";
import { settingsOf } from "./options.js";
import type { Settings, SocketAuthenticator, SocketsOptions } from "./options.js";
import { Farewells, Later } from "./queues.js";
import { Sweeper } from "./sweeper.js";
import { Table } from "./table.js";
import { Alarm, FAR } from "./timers.js";

/** How long an admitted connection may take to be accepted. */
const ACCEPT_WITHIN = 10_000;

/** What happens to the live connections of a process when something is heard of them. */
export class Registry {
  readonly settings: Settings;
  readonly authenticator: SocketAuthenticator;
  readonly observer: Observer;
  readonly table = new Table();
  readonly sweeper: Sweeper;
  /** Nothing is registered any more. */
  isShut = false;
  /** Called when the last connection has gone. */
  emptied: (() => void) | undefined;
  readonly #deadlines = new Deadlines();
  readonly #alarm = new Alarm(() => this.#closeDue());
  readonly #farewells = new Farewells((entry) => this.#windUp(entry));
  readonly #cuts: Later;
  readonly #unattached: Later;

  constructor(options: SocketsOptions) {
    this.settings = settingsOf(options);
    this.authenticator = options.authenticator;
    this.observer = new Observer(options.onEvent, options.onProblem);
    this.#cuts = new Later((entry) => this.#cut(entry));
    this.#unattached = new Later((entry) => {
      // Nobody has accepted it, and nobody would ever say that it is gone.
      this.#close([entry], "unverified");
      this.release(entry);
    });
    this.sweeper = new Sweeper(this);
  }

  /** Subscribes a connection to its topic. From here on a disconnect reaches it. */
  register(endpoint: string, topic: string, options: OpenOptions, identity: Identity, askedAt: number): Entry {
    const { maxSockets, maxSocketsPerSession } = this.settings;
    if (this.isShut) throw shuttingDown();
    if (this.table.entries.size >= maxSockets) {
      throw overloaded("this process holds as many live connections as it may: try again later");
    }
    if (this.table.ofSession(identity.sid) >= maxSocketsPerSession) {
      throw overloaded("this session has as many live connections as it may: close one first");
    }
    const entry = new Entry(this, endpoint, topic, options, identity, askedAt, this.#moment(identity.deadline));
    this.table.insert(entry);
    this.#schedule(entry);
    this.observer.counts.registered = this.table.entries.size;
    return entry;
  }

  /** It was admitted: from here on somebody has to accept it. */
  awaitConnection(entry: Entry): void {
    if (this.settings.timers && !entry.connection) this.#unattached.add(entry, performance.now() + ACCEPT_WITHIN);
  }

  attached(entry: Entry): void {
    this.#unattached.remove(entry);
    if (!entry.closing) return;
    // It had to close before it was accepted.
    this.#tell(entry);
    this.#windUp(entry);
    this.#cutAt(entry, performance.now() + this.settings.cutAfter);
  }

  /** Puts a connection on the token that it was admitted with. */
  settle(entry: Entry, topic: string, identity: Identity, askedAt: number): void {
    this.table.settle(entry, topic, () => entry.replace(identity, askedAt, this.#moment(identity.deadline)));
    this.#schedule(entry);
  }

  /** Does what a message says. */
  deliver(message: Message): void {
    this.observer.counts.messages++;
    if (message.kind === "disconnect") this.#close(this.table.subscribed(message.endpoint, message.topic), "revoked");
    else if (message.kind === "recheck") this.sweeper.ask(this.table.matching(message));
  }

  /** Does what a sweep decided about a connection while it stood on this token. */
  apply(entry: Entry, identity: Identity, verdict: Verdict, askedAt: number): void {
    if (verdict === "keep") return entry.verified(identity, askedAt);
    if (verdict === "unverified") return;
    // It was prolonged meanwhile: what was decided about the token before does not count.
    if (entry.identity !== identity) return this.sweeper.ask([entry]);
    if (verdict !== "mute") return this.#close([entry], reasonOf(verdict.close), verdict.close);
    if (!entry.mute(performance.now() + this.settings.muteFor)) return;
    this.#schedule(entry);
    this.observer.tell("muted", entry);
  }

  /** Closes a connection if its time is over, and cuts it if it has not closed in time. */
  expire(entry: Entry): void {
    const now = performance.now();
    if (entry.closing) {
      if (entry.closing.cutAt <= now) this.#cut(entry);
      return;
    }
    const reason = entry.over(now);
    if (reason) this.#close([entry], reason);
  }

  /** Closes everything, and registers nothing from now on. */
  shut(): void {
    this.isShut = true;
    this.#close([...this.table.entries], "shutdown");
  }

  release(entry: Entry): void {
    if (!this.table.remove(entry)) return;
    const { admitted } = entry;
    // Its peer may be gone before the winding up has begun.
    this.#windUp(entry);
    entry.phase = "gone";
    this.#deadlines.remove(entry);
    this.#cuts.remove(entry);
    this.#unattached.remove(entry);
    entry.connection = undefined;
    this.observer.counts.registered = this.table.entries.size;
    if (admitted) {
      this.observer.counts.closed++;
      this.observer.tell("closed", entry);
    }
    if (this.table.entries.size === 0) this.emptied?.();
  }

  stop(): void {
    this.sweeper.stop();
    this.#alarm.clear();
  }

  #closeDue(): void {
    const now = performance.now();
    // Otherwise it was prolonged meanwhile, and its new deadline is in the heap.
    for (const entry of this.#deadlines.take(now)) this.expire(entry);
    this.#wake();
  }

  /** First none of them may act any more; then all peers are told; then the rest. */
  #close(entries: readonly Entry[], reason: Reason, code?: Closing["code"]): void {
    const askedAt = performance.now();
    const closing: Closing = { reason, code, askedAt, cutAt: askedAt + this.settings.cutAfter };
    const asked = entries.filter(({ phase }) => phase !== "closing" && phase !== "gone");
    for (const entry of asked) {
      entry.phase = "closing";
      entry.closing = closing;
    }
    if (reason === "expired") this.observer.counts.expired += asked.length;
    if (reason === "revoked" || reason === "muted_timeout") this.observer.counts.revoked += asked.length;
    for (const entry of asked) this.#tell(entry);
    if (this.settings.timers) this.#farewells.told(asked);
    else for (const entry of asked) this.#windUp(entry);
  }

  #tell(entry: Entry): void {
    const { connection, closing } = entry;
    if (!connection || !closing) return;
    try {
      const { code, reason } = this.settings.farewell(closing);
      connection.close(code, reason);
    } catch (error) {
      // It is cut when its time is over.
      this.observer.problem("close_failed", error);
    }
  }

  #windUp(entry: Entry): void {
    const { closing } = entry;
    if (!closing || entry.woundUp) return;
    entry.woundUp = true;
    this.#cutAt(entry, closing.cutAt);
    entry.resolveAsked(closing);
    if (entry.admitted) this.observer.tell("closing", entry);
  }

  #cutAt(entry: Entry, at: number): void {
    if (this.settings.timers && this.table.entries.has(entry)) this.#cuts.add(entry, at);
  }

  /** Its peer has not closed in time. */
  #cut(entry: Entry): void {
    const { connection } = entry;
    if (connection) {
      this.observer.counts.cut++;
      try {
        connection.terminate?.();
      } catch (error) {
        this.observer.problem("close_failed", error);
      }
    }
    this.release(entry);
  }

  #schedule(entry: Entry): void {
    if (!this.settings.timers || !this.table.entries.has(entry)) return;
    this.#deadlines.set(entry);
    this.#wake();
  }

  #wake(): void {
    if (this.#deadlines.next !== this.#alarm.at) this.#alarm.set(this.#deadlines.next);
  }

  /**
   * A moment of the kernel's clock on the monotonic one, computed once: a wall clock that is set later moves no deadline. The kernel counts
   * whole seconds; where its clock is this machine's, the part of the second that has passed is taken off.
   */
  #moment(timestamp: number): number {
    const now = this.settings.now();
    const wall = Date.now();
    const begun = Math.floor(wall / 1000) === now ? wall % 1000 : 0;
    return performance.now() + Math.max(0, Math.min((timestamp - now) * 1000, FAR) - begun);
  }
}

function overloaded(message: string): AuthError {
  return new AuthError("overloaded", "unavailable", message);
}
