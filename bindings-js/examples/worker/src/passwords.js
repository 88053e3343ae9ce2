// Passwords: scrypt of `node:crypto`, which workerd runs natively (compatibility flag nodejs_compat). Argon2id is not among what workerd has,
// and it compiles no WebAssembly that comes at run time.

import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** As OWASP recommends it for 32 MiB: an isolate has 128. */
const COST = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 };
const derive = promisify(scrypt);

/** The hash of a new password: `scrypt$salt$hash`. */
export async function hashPassword(password, salt = randomBytes(16)) {
  const hash = await derive(password.normalize("NFC"), salt, 32, COST);
  return `scrypt$${salt.toString("base64url")}$${hash.toString("base64url")}`;
}

/** Whether a password has this hash. Without a hash, for an account that does not exist, it takes as long. */
export async function verifyPassword(password, hash) {
  const [, salt] = (hash ?? "").split("$");
  const own = await hashPassword(password, salt === undefined ? undefined : Buffer.from(salt, "base64url"));
  return hash !== undefined && own.length === hash.length && timingSafeEqual(Buffer.from(own), Buffer.from(hash));
}
