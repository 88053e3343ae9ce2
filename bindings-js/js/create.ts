import type { Broadcast, Storage } from "./host.js";
import type { Authenticator, ExtraClaims } from "./requests.js";

/** What an authenticator is made from. */
export interface AuthenticatorOptions {
  /** The policy: an object, or the text of a JSON document. Refused with `policy_invalid` and the path of what is wrong. */
  policy: string | object;
  /** The keys: a JWK Set, as an object or as text. Refused with `keys_invalid` and the name of the key. */
  keys: string | object;
  /** Where token records live. */
  storage: Storage;
  /** How live connections are told; without it nobody is told, and sockets close at the next sweep. */
  broadcast?: Broadcast | undefined;
  /** Seconds since the Unix epoch; the runtime's clock when absent. For tests. */
  now?: (() => number) | undefined;
  /** Fills the bytes from a cryptographically secure source; the runtime's when absent. For tests. */
  random?: ((bytes: Uint8Array) => void) | undefined;
}

export async function createAuthenticator<Claims extends ExtraClaims = ExtraClaims>(
  options: AuthenticatorOptions,
): Promise<Authenticator<Claims>> {
  throw new Error(`not built yet: ${typeof options}`);
}
