// What both tests share: the algorithms, keys of the fixtures, an authenticator over one key, and the claims of a token.

import { readFileSync } from "node:fs";
import { createAuthenticator } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";

export const issuer = "https://app.example";
export const audience = "app";

/** Every algorithm that signs, and the key of `tests/vectors/fixtures.json` for it. */
export const algorithms = { HS256: "hs256-a", HS384: "hs384-a", HS512: "hs512-a", EdDSA: "ed25519-a", ES256: "es256-a" };

const fixtures = JSON.parse(readFileSync(new URL("../../../tests/vectors/fixtures.json", import.meta.url), "utf8"));

export const fixtureKey = (name) => structuredClone(fixtures.keys[name]);

/** Another key for the same algorithm and with the same name, so that nothing but the signature is wrong. */
export const otherKey = (jwk) => {
  const other = { HS256: "hs256-b", EdDSA: "ed25519-b", ES256: "es256-b" }[jwk.alg];
  if (other) return { ...fixtureKey(other), kid: jwk.kid };
  return { ...jwk, k: jwk.k.split("").reverse().join("") };
};

/** What others may know of a key: all of a secret, the public part of a pair. */
export function shared(jwk) {
  const { d: _, ...visible } = jwk;
  return visible;
}

const policy = {
  issuer,
  audience: [audience],
  purposes: {
    user: { lifetime: "1h", store: true, presence: "required", opens_sockets: true },
    api: { lifetime: "1h", store: true, presence: "not-revoked" },
  },
};

export function authenticator(...keys) {
  return createAuthenticator({ policy, keys: { keys }, storage: memoryStorage() });
}

/** Claims that say something in every script. */
export const extra = { role: "admin", name: "Zoë 🦊 李", list: [1, 2.5, null, { deep: true }], none: null };

/** The claims of a token that others mint. */
export function claims() {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: issuer,
    aud: audience,
    sub: "user?id=42",
    jti: "a".repeat(26),
    sid: "b".repeat(26),
    iat: now,
    nbf: now,
    exp: now + 600,
    purpose: "api",
    ...extra,
  };
}
