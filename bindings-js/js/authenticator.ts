/** The operations over the kernel: each writes its request, calls, and reads the answer. Nothing is decided here. */

import { AuthError } from "./errors.js";
import type { Kernel } from "./kernel/glue.js";
import type * as requests from "./requests.js";
import { type Buffer, Unfit } from "./wire/buffer.js";
import type { Known } from "./wire/known.js";
import { blame, type Ports } from "./wire/ports.js";
import * as read from "./wire/read.js";
import * as write from "./wire/write.js";

/** The place of each operation in the list of `src/kernel.rs`. */
const OPERATIONS = {
  beginSignIn: 0,
  issue: 1,
  authenticate: 2,
  admit: 3,
  revoke: 4,
  signOutEverywhere: 5,
  preview: 6,
  sessions: 7,
  credentialsChanged: 8,
  sweep: 9,
  redeliver: 10,
  expunge: 11,
} as const;

type Fields = Record<string, unknown>;

interface Waiting {
  read(from: Buffer, known: Known): unknown;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");

/** @internal */
export class KernelAuthenticator<Claims extends requests.ExtraClaims> implements requests.Authenticator<Claims> {
  #kernel: Kernel | undefined;
  #ports: Ports;
  #buffer: Buffer;
  #sync: boolean;
  #next = 0;
  #closed = false;
  #waiting = new Map<number, Waiting>();

  constructor(kernel: Kernel, ports: Ports, buffer: Buffer, sync: boolean) {
    this.#kernel = kernel;
    this.#ports = ports;
    this.#buffer = buffer;
    this.#sync = sync;
    ports.owner = {
      reserve: (length) => kernel.reserve(length),
      settle: (call, length) => this.#settle(call, length),
    };
  }

  async beginSignIn(request: requests.BeginSignIn): Promise<requests.SignInGuard> {
    return this.#run("beginSignIn", (to) => write.tenantAndSubject(to, to.object(request, "request")), read.signInGuard);
  }

  async issue(request: requests.Issue<Claims>): Promise<requests.Issued<Claims>> {
    return this.#run("issue", (to) => write.issue(to, to.object(request, "request")), read.issued) as Promise<requests.Issued<Claims>>;
  }

  async authenticate(token: string, options: requests.AuthenticateOptions): Promise<requests.Identity<Claims>> {
    return this.#run("authenticate", (to) => write.authenticate(to, token, to.object(options, "options")), read.identity) as Promise<
      requests.Identity<Claims>
    >;
  }

  authenticateSync(token: string, options: requests.AuthenticateOptions): requests.Identity<Claims> {
    if (!this.#sync) throw refused("authenticateSync needs a storage that declares sync: true");
    this.#ports.atOnce = true;
    try {
      return this.#run("authenticate", (to) => write.authenticate(to, token, to.object(options, "options")), read.identity) as
        requests.Identity<Claims>;
    } finally {
      this.#ports.atOnce = false;
    }
  }

  async admit(token: string, options: requests.AdmitOptions): Promise<requests.Identity<Claims>> {
    return this.#run("admit", (to) => write.admit(to, token, to.object(options, "options")), read.identity) as Promise<
      requests.Identity<Claims>
    >;
  }

  async revoke(target: string | requests.RevokeTarget, options: requests.RevokeOptions = {}): Promise<requests.Report> {
    return this.#run("revoke", (to) => write.revoke(to, target, to.object(options, "options")), read.report);
  }

  async signOutEverywhere(scope: string | requests.SignOutScope, options: requests.SignOutOptions = {}): Promise<requests.Report> {
    return this.#run("signOutEverywhere", (to) => write.signOut(to, scope, to.object(options, "options")), read.report);
  }

  async preview(scope: string | requests.SignOutScope, options: requests.SignOutOptions = {}): Promise<requests.Report> {
    return this.#run("preview", (to) => write.signOut(to, scope, to.object(options, "options")), read.report);
  }

  async sessions(query: requests.SessionsQuery): Promise<requests.SessionPage> {
    return this.#run("sessions", (to) => write.sessions(to, to.object(query, "query")), read.sessionPage);
  }

  async credentialsChanged(request: requests.CredentialsChanged): Promise<requests.Report> {
    return this.#run("credentialsChanged", (to) => write.credentialsChanged(to, to.object(request, "request")), read.report);
  }

  async sweep(sockets: readonly requests.SocketState[]): Promise<requests.SweepReport> {
    return this.#run("sweep", (to) => write.sweep(to, sockets), read.sweepReport);
  }

  async redeliver(): Promise<requests.Redelivered> {
    return this.#run("redeliver", write.nothing, read.redelivered);
  }

  async expunge(limit = 1000): Promise<requests.Expunged> {
    return this.#run("expunge", (to) => to.small(limit, "limit"), read.expunged);
  }

  close(): void {
    this.#closed = true;
    this.#release();
  }

  [dispose](): void {
    this.close();
  }

  /** Calls under way still need the kernel. */
  #release(): void {
    if (!this.#closed || this.#waiting.size > 0) return;
    this.#kernel?.free();
    this.#kernel = undefined;
  }

  #run<T>(operation: keyof typeof OPERATIONS, write: (to: Buffer) => void, read: (from: Buffer, known: Known) => T): T | Promise<T> {
    const kernel = this.#kernel;
    if (kernel === undefined || this.#closed) {
      throw new AuthError("authenticator_closed", "input", "the authenticator was closed: build a new one");
    }
    const buffer = this.#buffer;
    try {
      buffer.begin(kernel, operation);
      write(buffer);
    } catch (error) {
      throw error instanceof Unfit ? refused(error.message) : error;
    }
    const call = this.#next;
    this.#next = (call + 1) >>> 0;
    const length = guarded(() => kernel.start(call, OPERATIONS[operation], buffer.length));
    if (length > 0) return this.#read(kernel, call, read);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(call, { read, resolve: resolve as (answer: unknown) => void, reject });
    });
  }

  /** Goes on with a call whose port answered with a promise. */
  #settle(call: number, length: number): void {
    const kernel = this.#kernel;
    const waiting = this.#waiting.get(call);
    if (kernel === undefined || waiting === undefined) return;
    try {
      if (guarded(() => kernel.settle(call, length)) === 0) return;
      this.#waiting.delete(call);
      waiting.resolve(this.#read(kernel, call, waiting.read));
    } catch (error) {
      this.#waiting.delete(call);
      waiting.reject(error);
    }
    this.#release();
  }

  #read<T>(kernel: Kernel, call: number, answer: (from: Buffer, known: Known) => T): T {
    const buffer = this.#buffer;
    buffer.open(kernel.reserve(0));
    const cause = this.#ports.cause(call);
    if (buffer.readCase() === 0) return answer(buffer, this.#ports.known);
    const error = read.error(buffer);
    if (cause === undefined) throw error;
    throw new AuthError(error.code, error.kind, blame(error.message, cause), { cause });
  }
}

function refused(message: string): AuthError {
  return new AuthError("input_invalid", "input", message);
}

/** A trap is a defect or the end of the memory; the caller gets a code like for everything else. */
function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw new AuthError("kernel_unavailable", "unavailable", "the kernel could not run the call: try again", { cause: error });
  }
}
