// The data directory: made when it is not there, used by one server at a time, with the same files as the Rust server's.

import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "./errors.js";

/** What takes the lock for this process. A lock of `flock(2)` belongs to the open file, which the child shares. */
const LOCKERS = [
  ["flock", ["-n", "3"]],
  ["perl", ["-e", "use Fcntl ':flock'; open(my $f, '>&=', 3) or exit 2; exit(flock($f, LOCK_EX | LOCK_NB) ? 0 : 1)"]],
];

/**
 * Opens the directory (mode 0700 when it is new) and locks it, as the Rust server does: two servers on one directory would each tell only
 * their own live connections of a sign-out. The operating system lets go of the lock however the process ends.
 */
export function openData(folder, log) {
  const at = (problem, cause) => new StartError(`data directory ${folder}: ${problem}`, { cause });
  let lock;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = openSync(join(folder, "lock"), "a");
  } catch (error) {
    throw at(error.message, error);
  }
  const locked = take(lock);
  if (locked === false) {
    throw at("another authkernel uses it: stop that one, or give --data another directory");
  }
  if (locked === undefined) log.warn("the data directory cannot be locked on this system: start only one server on it", { folder });
  return {
    database: join(folder, "authkernel.db"),
    keys: join(folder, "keys.json"),
    close: () => closeSync(lock),
  };
}

/** Whether the lock was taken; nothing where the system has no means. */
function take(lock) {
  for (const [command, args] of LOCKERS) {
    const { status, error } = spawnSync(command, args, { stdio: ["ignore", "ignore", "ignore", lock] });
    if (error === undefined && (status === 0 || status === 1)) return status === 0;
  }
  return undefined;
}
