/** New keys, for services that have none yet. */

import { AuthError } from "./errors.js";

/** The algorithms that a new key can be for. */
export type KeyAlgorithm = "EdDSA" | "ES256" | "HS256" | "HS384" | "HS512";

/** A JWK Set (RFC 7517) as `createAuthenticator` takes it. It holds secrets: keep it out of the repository and of logs. */
export interface GeneratedKeys {
  keys: Record<string, string>[];
}

const BYTES = { HS256: 32, HS384: 48, HS512: 64 } as const;

/**
 * A JWK Set with one new signing key, by the runtime's WebCrypto. Make it once, and store it as you store other secrets: tokens signed with a
 * key that is lost are refused.
 *
 * `EdDSA` (Ed25519, the default) and `ES256` can be verified by others with the public half; `HS256`, `HS384` and `HS512` are quicker, and
 * whoever verifies could also sign.
 *
 * @example
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { generateKeys } from "authkernel";
 *
 * writeFileSync("keys.json", JSON.stringify(await generateKeys()), { mode: 0o600, flag: "wx" });
 * ```
 */
export async function generateKeys(algorithm: KeyAlgorithm = "EdDSA"): Promise<GeneratedKeys> {
  const id = { kid: base64url(crypto.getRandomValues(new Uint8Array(12))), alg: algorithm, use: "sig" };
  switch (algorithm) {
    case "EdDSA": {
      const { kty, crv, x, d } = await exported({ name: "Ed25519" });
      return { keys: [{ ...id, kty: kty!, crv: crv!, x: x!, d: d! }] };
    }
    case "ES256": {
      const { kty, crv, x, y, d } = await exported({ name: "ECDSA", namedCurve: "P-256" });
      return { keys: [{ ...id, kty: kty!, crv: crv!, x: x!, y: y!, d: d! }] };
    }
    case "HS256":
    case "HS384":
    case "HS512":
      return { keys: [{ ...id, kty: "oct", k: base64url(crypto.getRandomValues(new Uint8Array(BYTES[algorithm]))) }] };
    default:
      throw new AuthError("input_invalid", "input", "the algorithm must be one of EdDSA, ES256, HS256, HS384, HS512");
  }
}

async function exported(algorithm: { name: string; namedCurve?: string }): Promise<JsonWebKey> {
  const pair = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
  return crypto.subtle.exportKey("jwk", pair.privateKey);
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
