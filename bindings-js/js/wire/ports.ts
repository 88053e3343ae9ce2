/** The ports as Rust asks them: by number, with a request in the memory, answered into the buffer at once or later. */

import { StorageError } from "../errors.js";
import type { Broadcast, FindQuery, Message, Storage } from "../host.js";
import { type Buffer, Unfit } from "./buffer.js";
import { type Known, NOTHING } from "./known.js";
import * as read from "./read.js";
import * as write from "./write.js";

/** What a port is called in messages, how its request is read, who answers, and how the answer is written. */
interface Port<Request> {
  name: string;
  read(from: Buffer, ports: Ports): Request;
  ask(storage: Storage, broadcast: Broadcast | undefined, request: Request): unknown;
  write(to: Buffer, answer: unknown, request: Request, ports: Ports): void;
}

// The order is that of `src/ports.rs`.
const PORTS: readonly Port<any>[] = [
  port("storage.find", lookup, (storage, _, it) => storage.find(it), (to, answer, _, ports) => write.found(to, answer, ports.known)),
  port("storage.findMany", read.findQueries, (storage, _, it) => storage.findMany(it), write.foundMany),
  port("storage.insert", read.insertion, (storage, _, it) => storage.insert(it), write.epoch),
  port("storage.revoke", read.revocation, (storage, _, it) => storage.revoke(it), write.revoked),
  port("storage.revokeMatching", read.matchingRevocation, (storage, _, it) => storage.revokeMatching(it), write.matchingRevoked),
  port("storage.consume", read.consumption, (storage, _, it) => storage.consume(it), write.consumed),
  port("storage.touch", read.touch, (storage, _, it) => storage.touch(it), write.nothing),
  port("storage.list", read.listQuery, (storage, _, it) => storage.list(it), write.storedSessions),
  port("storage.undelivered", read.deliveryClaim, (storage, _, it) => storage.undelivered(it), write.undelivered),
  port("storage.delivered", read.recordIds, (storage, _, it) => storage.delivered(it), write.nothing),
  port("storage.deleteExpired", read.expiryBatch, (storage, _, it) => storage.deleteExpired(it), write.deleted),
  port("storage.raiseCutOff", read.cutOff, (storage, _, it) => storage.raiseCutOff(it), write.nothing),
  port("broadcast.publish", read.messages, publish, (to, answer, it) => write.publishAnswers(to, answer, it.length)),
];

function port<Request>(
  name: string,
  read: Port<Request>["read"],
  ask: Port<Request>["ask"],
  write: Port<Request>["write"],
): Port<Request> {
  return { name, read, ask, write };
}

/** What is known is replaced when all of it was read. */
function lookup(from: Buffer, ports: Ports): FindQuery {
  ports.known = read.lookup(from, ports.known);
  return read.question(ports.known);
}

/** Without a broker there is nobody to tell, and nothing to send again. */
function publish(_: Storage, broadcast: Broadcast | undefined, messages: Message[]): unknown {
  return broadcast === undefined ? undefined : broadcast.publish(messages);
}

/** What an application supplied. */
export interface Supplied {
  storage: Storage;
  broadcast: Broadcast | undefined;
  now: (() => number) | undefined;
  random: ((bytes: Uint8Array) => void) | undefined;
}

/** Who is told when an answer comes later. */
export interface Owner {
  reserve(length: number): number;
  settle(call: number, length: number): void;
}

/** The other side of `src/ports.rs`. */
export class Ports {
  /** Set by the authenticator before the first call. */
  owner!: Owner;
  /** The operation that runs must have its answers at once. */
  atOnce = false;
  /** The texts of the last look-up. */
  known: Known = NOTHING;
  #supplied: Supplied;
  #buffer: Buffer;
  /** Why a port did not answer a call, for the error that comes of it. */
  #causes = new Map<number, unknown>();

  constructor(supplied: Supplied, buffer: Buffer) {
    this.#supplied = supplied;
    this.#buffer = buffer;
  }

  /** Asks a port for Rust. Never throws: an exception would leave the kernel in the middle of a call. */
  ask(call: number, number: number, at: number, _length: number): number {
    const port = PORTS[number]!;
    this.#buffer.open(at);
    const request = port.read(this.#buffer, this);
    try {
      const answer = port.ask(this.#supplied.storage, this.#supplied.broadcast, request);
      if (!isThenable(answer)) return this.#answer(call, port, answer, request);
      if (!this.atOnce) {
        // By way of a promise: a thenable of another kind might call back before this has returned, or twice.
        Promise.resolve(answer).then(
          (answer) => this.owner.settle(call, this.#answer(call, port, answer, request)),
          (error: unknown) => this.owner.settle(call, this.#failure(call, port, error)),
        );
        return 0;
      }
      answer.then(undefined, () => {});
      throw new StorageError("other", `${port.name} answered with a promise, but the storage declares sync: true`);
    } catch (error) {
      return this.#failure(call, port, error);
    }
  }

  now(): number {
    const { now } = this.#supplied;
    return now === undefined ? Math.floor(Date.now() / 1000) : now();
  }

  random(at: number, length: number): boolean {
    try {
      const bytes = this.#buffer.bytes(at, length);
      const { random } = this.#supplied;
      if (random === undefined) crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
      else random(bytes);
      return true;
    } catch {
      return false;
    }
  }

  /** Why ports failed during a call, told once. */
  cause(call: number): unknown {
    if (this.#causes.size === 0) return undefined;
    const cause = this.#causes.get(call);
    this.#causes.delete(call);
    return cause;
  }

  #answer<Request>(call: number, port: Port<Request>, answer: unknown, request: Request): number {
    const to = this.#buffer;
    try {
      to.begin(this.owner, port.name);
      // Storage answers or fails; a broker answers message by message.
      if (port.name !== "broadcast.publish") to.case(0);
      port.write(to, answer, request, this);
      return to.length;
    } catch (error) {
      return this.#failure(call, port, error);
    }
  }

  #failure<Request>(call: number, port: Port<Request>, error: unknown): number {
    this.#causes.set(call, error);
    const to = this.#buffer;
    to.begin(this.owner, port.name);
    if (port.name === "broadcast.publish") {
      // A message without an answer was not taken.
      to.list([], "", () => {});
      return to.length;
    }
    const known = error instanceof StorageError ? error : undefined;
    switch (known?.kind) {
      case "unavailable":
        to.case(1);
        to.text("", "");
        break;
      case "conflict":
        to.case(2);
        break;
      case "guard_failed":
        to.case(known?.guard === "epoch" ? 3 : 4);
        break;
      default:
        to.case(5);
        to.text("", "");
    }
    return to.length;
  }
}

/** What the caller is told beyond the code, when a port is to blame. */
export function blame(message: string, cause: unknown): string {
  return cause instanceof Unfit ? `a port answered nonsense: ${cause.message}` : message;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  // What Workers' RPC answers is a function that is a promise as well.
  const may = (typeof value === "object" && value !== null) || typeof value === "function";
  return may && typeof (value as { then?: unknown }).then === "function";
}
