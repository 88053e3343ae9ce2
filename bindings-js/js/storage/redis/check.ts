import { StorageError } from "../../errors.js";
import type { Scripts } from "./client.js";

/**
 * What a crash of the server may cost: `always` nothing (`appendfsync always`), `everysec` the last second, `none` everything. `unchecked`:
 * the operator vouches for it, because the server does not tell.
 */
export type RedisDurability = "always" | "everysec" | "none" | "unchecked";

/** Refuses a server with which a promise of the storage would not hold. */
export async function check(scripts: Scripts, durability: RedisDurability): Promise<void> {
  const server = String(await scripts.command("INFO", "server"));
  const version = /^redis_version:(\d+)/m.exec(server)?.[1];
  if (version !== undefined && Number(version) < 7) {
    throw new StorageError("other", `redis ${version} is too old: the scripts need 7 or newer`);
  }
  const replication = String(await scripts.command("INFO", "replication"));
  if (/^role:slave/m.test(replication)) {
    throw new StorageError("unavailable", "the server is a replica, which may not have seen a revocation: connect to the primary");
  }
  if (durability === "unchecked") return;
  await expect(scripts, "maxmemory-policy", ["noeviction"], "evict revocations");
  if (durability === "none") return;
  await expect(scripts, "appendonly", ["yes"], "lose revocations with the process");
  const wanted = durability === "always" ? ["always"] : ["always", "everysec"];
  await expect(scripts, "appendfsync", wanted, "lose revocations in a crash");
}

async function expect(scripts: Scripts, name: string, wanted: string[], danger: string): Promise<void> {
  let answer: unknown;
  try {
    answer = await scripts.command("CONFIG", "GET", name);
  } catch (error) {
    if (error instanceof StorageError && error.kind === "unavailable") throw error;
    throw new StorageError("other", `redis does not tell its ${name}: see to it, and say durability: "unchecked"`, { cause: error });
  }
  // A list of name and value, or, with the newer protocol, a map.
  const value = Array.isArray(answer) ? answer[1] : answer instanceof Map ? answer.get(name) : (answer as Record<string, unknown>)?.[name];
  if (!wanted.includes(String(value))) {
    throw new StorageError("other", `redis runs with ${name} ${String(value)} instead of ${wanted.join(" or ")}: it could ${danger}`);
  }
}
