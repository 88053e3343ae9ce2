/** Makes an authenticator. */

import { KernelAuthenticator } from "./authenticator.js";
import { AuthError, type Code } from "./errors.js";
import type { Broadcast, Storage } from "./host.js";
import { Kernel } from "./kernel/glue.js";
import type { Authenticator, ExtraClaims } from "./requests.js";
import { loaded } from "./wire/load.js";
import { Ports } from "./wire/ports.js";

/** What an authenticator is made from. */
export interface AuthenticatorOptions {
  /** The policy: an object, or the text of a JSON document. Refused with `policy_invalid` and the path of what is wrong. */
  policy: string | object;
  /** The keys: a JWK Set, as an object or as text. Refused with `keys_invalid` and the name of the key. */
  keys: string | object;
  /** Where token records live. */
  storage: Storage;
  /** How live connections are told; without it nobody is told, and connections close at the next sweep. */
  broadcast?: Broadcast | undefined;
  /** Seconds since the Unix epoch; the runtime's clock when absent. For tests. */
  now?: (() => number) | undefined;
  /** Fills the bytes from a cryptographically secure source; the runtime's when absent. For tests. */
  random?: ((bytes: Uint8Array) => void) | undefined;
}

/**
 * Parses policy and keys once, and loads the kernel when this is the first call.
 *
 * Rejects with an {@link AuthError}: `policy_invalid`, `policy_not_supported` or `keys_invalid` with the path of what is wrong,
 * `input_invalid` when the storage lacks a method, `kernel_unavailable` when the module cannot be loaded.
 *
 * @example
 * ```ts
 * import { createAuthenticator } from "authkernel";
 * import { memoryStorage } from "authkernel/storage/memory";
 *
 * const policy = {
 *   issuer: "https://app.example",
 *   audience: ["app"],
 *   purposes: { user: { lifetime: "14d" } },
 * };
 * const keys = { keys: [{ kty: "oct", kid: "k1", alg: "HS256", use: "sig", k: "bm90IGEgc2VjcmV0IGJ1dCBhbiBleGFtcGxlIG9mIG9uZQ" }] };
 * const auth = await createAuthenticator({ policy, keys, storage: memoryStorage() });
 *
 * const { token } = await auth.issue({ subject: "user?id=42", purpose: "user", claims: { role: "admin" } });
 * const who = await auth.authenticate(token, { purposes: ["user"] });
 * await auth.signOutEverywhere(who.subject);
 * ```
 */
export async function createAuthenticator<Claims extends ExtraClaims = ExtraClaims>(
  options: AuthenticatorOptions,
): Promise<Authenticator<Claims>> {
  const { storage, broadcast, now, random } = checked(options);
  const policy = document(options.policy, "policy_invalid", "the policy");
  const keys = document(options.keys, "keys_invalid", "the key set");
  const buffer = await loaded();
  const ports = new Ports({ storage, broadcast, now, random }, buffer);
  let kernel: Kernel;
  try {
    kernel = Kernel.create(ports, policy, keys);
  } catch (error) {
    if (typeof error !== "string") throw error;
    const [code, message] = split(error);
    throw new AuthError(code, "configuration", message);
  }
  return new KernelAuthenticator<Claims>(kernel, ports, buffer, storage.sync === true);
}

const METHODS = [
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
] as const satisfies readonly (keyof Storage)[];

/** What is missing is said now, not at the first sign-out. */
function checked(options: AuthenticatorOptions): AuthenticatorOptions {
  const refuse = (what: string): never => {
    throw new AuthError("input_invalid", "input", what);
  };
  if (typeof options !== "object" || options === null) refuse("createAuthenticator takes an object with policy, keys and storage");
  const { storage, broadcast, now, random } = options;
  if (typeof storage !== "object" || storage === null) refuse("storage is missing: pass memoryStorage() to begin with");
  for (const method of METHODS) {
    if (typeof storage[method] !== "function") refuse(`the storage has no method ${method}`);
  }
  if (broadcast !== undefined && typeof broadcast?.publish !== "function") refuse("the broadcast has no method publish");
  if (now !== undefined && typeof now !== "function") refuse("now must be a function");
  if (random !== undefined && typeof random !== "function") refuse("random must be a function");
  return options;
}

function document(value: unknown, code: Code, what: string): string {
  if (typeof value === "string") return value;
  try {
    const text = JSON.stringify(value);
    if (text !== undefined) return text;
  } catch (error) {
    throw new AuthError(code, "configuration", `${what} cannot be written as json`, { cause: error });
  }
  throw new AuthError(code, "configuration", `${what} is missing`);
}

function split(text: string): [Code, string] {
  const end = text.indexOf("\n");
  return [text.slice(0, end) as Code, text.slice(end + 1)];
}
