import { StorageError } from "../../errors.js";

// PostgreSQL's errors in the port's words: `unavailable` where the same call may succeed later, `other` for everything else. Never "not
// found", and `conflict` only where a function of ours says so.

/** Classes of codes, and single codes, after which the same call may succeed. */
const UNAVAILABLE = new Set([
  "08", // connection
  "40", // rolled back: a deadlock or a serialization failure that was tried again in vain
  "53", // no disk, no memory, too many connections
  "57", // shut down, starting up, cancelled by a time-out
  "58", // an error of the operating system
  "25006", // read only: a standby, or a fail-over under way
  "55P03", // a lock was not to be had in time
]);

/** What Node says of a connection. */
const SOCKET = /^(E(CONN|PIPE|TIMEDOUT|HOST|NET|ADDR|AI_)|ENOTFOUND|ENOENT|EMFILE)/;

/** What `pg` says without a code. */
const DRIVER = /connection|timeout|not queryable|closed|terminated|socket/i;

function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "";
}

/** Rolled back because of somebody else: nothing was changed, and trying again is safe. */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error);
  return code === "40001" || code === "40P01";
}

/** Refused because transactions are not at READ COMMITTED by default. */
export function isIsolation(error: unknown): boolean {
  return codeOf(error) === "AK004";
}

/** An error in the port's words. */
export function storageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const code = codeOf(error);
  if (code === "AK001") return new StorageError("conflict");
  if (code === "AK002") return new StorageError("guard_failed", "the epoch was raised", { guard: "epoch" });
  if (code === "AK003") return new StorageError("guard_failed", "the session cannot be joined", { guard: "session" });
  const message = error instanceof Error ? error.message : String(error);
  const unavailable =
    UNAVAILABLE.has(code) || UNAVAILABLE.has(code.slice(0, 2)) || SOCKET.test(code) || (code === "" && DRIVER.test(message));
  const hint = code === "3F000" || code === "42P01" || code === "42883" ? ": call migrate() before the storage is used" : "";
  return new StorageError(unavailable ? "unavailable" : "other", `postgresql: ${message || code}${hint}`, { cause: error });
}
