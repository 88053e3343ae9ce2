/** Storages that answer at once. */

import type { MaybePromise, Storage } from "../../host.js";

/** A storage whose methods answer values, never promises: `authenticateSync` and its like may be used over it. */
export type SyncStorage = {
  [Method in Exclude<keyof Storage, "sync">]: Storage[Method] extends (input: infer Input) => MaybePromise<infer Answer>
    ? (input: Input) => Answer
    : never;
} & { readonly sync: true };
