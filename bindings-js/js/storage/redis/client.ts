import { StorageError } from "../../errors.js";
import { SCRIPTS } from "./scripts.js";

/** What is needed of a client of `ioredis` (`Redis` or `Cluster`). */
export interface IoRedisClient {
  readonly status: string;
  evalsha(sha1: string, keys: number, ...args: string[]): Promise<unknown>;
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>;
  call(command: string, ...args: string[]): Promise<unknown>;
}

/** What is needed of a client of `redis`. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  evalSha(sha1: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  sendCommand(args: string[]): Promise<unknown>;
}

/** A client of either library. */
export type RedisClient = IoRedisClient | NodeRedisClient;

export type ScriptName = keyof typeof SCRIPTS;

/** Replies after which the same call may succeed: loading, busy, full, read only, a fail-over or a reshard under way. */
const UNAVAILABLE = /^(LOADING|BUSY|OOM|MISCONF|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|UNBLOCKED|ERR max number of clients)\b/;

/** Other replies begin with a word in capitals: the server answered, and would answer the same again. */
const REPLY = /^[A-Z]{2,}[A-Z0-9_]* /;

/** An error in the port's words; what is no reply of the server is a lost or missing connection. */
export function storageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const message = error instanceof Error ? error.message || error.name : String(error);
  const ours = error instanceof SyntaxError || error instanceof TypeError;
  const other = ours || (REPLY.test(message) && !UNAVAILABLE.test(message));
  return new StorageError(other ? "other" : "unavailable", `redis: ${message}`, { cause: error });
}

/** Runs the scripts on a client of either library. */
export class Scripts {
  constructor(
    readonly client: RedisClient,
    readonly prefix: string,
    readonly timeoutMs: number,
  ) {}

  /** Runs one script; answers what it answers. */
  async run(name: ScriptName, argument: unknown): Promise<any> {
    const { sha1, text } = SCRIPTS[name];
    const json = write(argument);
    try {
      const answer = await this.#within(this.#evalSha(sha1, json).catch((error: unknown) => {
        if (!isUnknownScript(error)) throw error;
        // The server was started anew or its scripts were flushed; this also makes it remember.
        return this.#eval(text, json);
      }));
      return JSON.parse(String(answer));
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Runs any command that has no key. */
  async command(...args: [string, ...string[]]): Promise<unknown> {
    const { client } = this;
    try {
      return await this.#within("call" in client ? client.call(...args) : client.sendCommand(args));
    } catch (error) {
      throw storageError(error);
    }
  }

  #evalSha(sha1: string, json: string): Promise<unknown> {
    const { client, prefix } = this;
    return "evalsha" in client ? client.evalsha(sha1, 1, prefix, json) : client.evalSha(sha1, { keys: [prefix], arguments: [json] });
  }

  #eval(text: string, json: string): Promise<unknown> {
    const { client, prefix } = this;
    return "evalsha" in client ? client.eval(text, 1, prefix, json) : client.eval(text, { keys: [prefix], arguments: [json] });
  }

  /** Both libraries keep commands for as long as there is no connection; a caller cannot wait that long. */
  async #within<T>(answer: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new StorageError("unavailable", `redis: no answer within ${this.timeoutMs} ms`);
      timer = setTimeout(() => reject(error), this.timeoutMs);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

/** A JSON document for a script; times and epochs beyond 2^53 - 1 mean "for ever". */
function write(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "number" ? Math.min(part, Number.MAX_SAFE_INTEGER) : part));
}
