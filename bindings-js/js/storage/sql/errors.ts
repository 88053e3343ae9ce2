/** SQLite's errors in the port's words. */

import { StorageError } from "../../errors.js";
import type { Param } from "./driver.js";

/** What may succeed later: locked, full, a failing device, no memory. By the names of SQLite's primary result codes. */
const UNAVAILABLE = new Map([
  ["PERM", 3],
  ["ABORT", 4],
  ["BUSY", 5],
  ["LOCKED", 6],
  ["NOMEM", 7],
  ["READONLY", 8],
  ["INTERRUPT", 9],
  ["IOERR", 10],
  ["FULL", 13],
  ["CANTOPEN", 14],
  ["PROTOCOL", 15],
]);
const UNAVAILABLE_CODES = new Set(UNAVAILABLE.values());
const UNAVAILABLE_NAMES = new RegExp(`\\bSQLITE_(?:${[...UNAVAILABLE.keys()].join("|")})(?:_|\\b)`);

/** An error of a database as better-sqlite3 (`code`), `node:sqlite` (`errcode`) or a Durable Object (in the message) says it. */
interface DatabaseError {
  readonly code?: unknown;
  readonly errcode?: unknown;
  readonly message?: unknown;
}

/** Whether the same statement may succeed later. */
export function isUnavailable(error: unknown): boolean {
  const { code, errcode, message } = (error ?? {}) as DatabaseError;
  if (typeof errcode === "number") return UNAVAILABLE_CODES.has(errcode & 0xff);
  if (typeof code === "string" && code.startsWith("SQLITE_")) return UNAVAILABLE_NAMES.test(code);
  return UNAVAILABLE_NAMES.test(String(message));
}

/**
 * `unavailable` where the same call may succeed later (locked, full disk, failing device), `other` for everything else, a damaged file
 * included. Never "not found", never "conflict".
 */
export function storageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new StorageError(isUnavailable(error) ? "unavailable" : "other", `sqlite: ${text}`, { cause: error });
}

interface UnicodeText {
  isWellFormed?(): boolean;
}

/**
 * Parameters as every driver takes them. SQLite stores UTF-8, in which half of a surrogate pair has no form: what was stored would be
 * another text, and two subjects could become one.
 */
export function bound(params: readonly Param[]): (string | number | null)[] {
  return params.map((param) => {
    if (typeof param === "string" && (param as UnicodeText).isWellFormed?.() === false) {
      throw new StorageError("other", "a text has half of a surrogate pair, which cannot be stored");
    }
    return param ?? null;
  });
}
