/**
 * The storage over RPC. An error that is thrown through RPC arrives as a plain `Error` with nothing but its message, so what a call
 * answered travels in an envelope.
 */

import { type Guard, StorageError } from "../../errors.js";
import type { MaybePromise, PublishAnswer, Message, Storage } from "../../host.js";

/** The methods of a storage. */
export type StorageMethod = Exclude<keyof Storage, "sync">;

const METHODS = new Set<string>([
  "find",
  "findMany",
  "insert",
  "revoke",
  "revokeMatching",
  "consume",
  "touch",
  "list",
  "undelivered",
  "delivered",
  "deleteExpired",
  "raiseCutOff",
] satisfies StorageMethod[]);

/** What a storage call answered. */
export type StorageReply =
  | { readonly answer: unknown }
  | { readonly failed: { kind: StorageError["kind"]; message: string; guard?: Guard | undefined } };

/** What the object offers to Workers over RPC. */
export interface AuthObjectRpc {
  /** One call of a storage method. */
  authStorage(method: StorageMethod, input: unknown): MaybePromise<StorageReply>;
  /** Tells the connections that the object holds; one answer per message. */
  authPublish(messages: Message[]): MaybePromise<PublishAnswer[]>;
}

/** Runs a call and packs what it answered. */
export function reply(storage: Storage, method: string, input: unknown): StorageReply {
  try {
    if (!METHODS.has(method)) throw new StorageError("other", "the storage has no such method: are both sides of the same version?");
    const call = storage[method as StorageMethod] as (input: unknown) => unknown;
    return { answer: call(input) };
  } catch (error) {
    if (error instanceof StorageError) {
      const { kind, message, guard } = error;
      return { failed: { kind, message, guard } };
    }
    return { failed: { kind: "other", message: error instanceof Error ? error.message : String(error) } };
  }
}

/** The storage behind a stub. */
export function storageOver(stub: AuthObjectRpc): Storage {
  const ask = async (method: StorageMethod, input: unknown): Promise<never> => {
    let replied: StorageReply;
    try {
      replied = await stub.authStorage(method, input);
    } catch (error) {
      // Whatever the object itself refused is in the envelope: this is the way to it, or an object that was reset.
      const text = error instanceof Error ? error.message : String(error);
      throw new StorageError("unavailable", `the durable object did not answer: ${text}`, { cause: error });
    }
    if ("failed" in replied) {
      const { kind, message, guard } = replied.failed;
      throw new StorageError(kind, message, { ...(guard === undefined ? {} : { guard }) });
    }
    return replied.answer as never;
  };
  return {
    find: (query) => ask("find", query),
    findMany: (queries) => (queries.length === 0 ? Promise.resolve([]) : ask("findMany", queries)),
    insert: (insertion) => ask("insert", insertion),
    revoke: (revocation) => ask("revoke", revocation),
    revokeMatching: (revocation) => ask("revokeMatching", revocation),
    consume: (consumption) => ask("consume", consumption),
    touch: (touch) => ask("touch", touch),
    list: (query) => ask("list", query),
    undelivered: (claim) => ask("undelivered", claim),
    delivered: (records) => ask("delivered", records),
    deleteExpired: (batch) => ask("deleteExpired", batch),
    raiseCutOff: (cutOff) => ask("raiseCutOff", cutOff),
  };
}
