// What everybody may know of a key set: the public half of each key that verifies.

import { createHash } from "node:crypto";

const MEMBERS = { OKP: ["crv", "x"], EC: ["crv", "x", "y"], RSA: ["n", "e"] };

/**
 * A JWK Set of public keys (RFC 7517 section 5) and the tag that changes with it. Symmetric keys have no public half; revoked keys verify
 * nothing. Members are copied by name, so that nothing private comes along, whatever it is called.
 */
export function publicKeys(text) {
  const keys = JSON.parse(text)
    .keys.filter(({ kty, status }) => kty in MEMBERS && status !== "revoked")
    .map((key) => {
      const names = ["kty", "kid", "alg", ...MEMBERS[key.kty]].filter((name) => name in key);
      return { ...Object.fromEntries(names.map((name) => [name, key[name]])), use: "sig" };
    });
  const shown = JSON.stringify({ keys });
  return { text: shown, tag: `"${createHash("sha256").update(shown).digest("hex").slice(0, 16)}"` };
}

/** The keys of a set that are revoked. */
export function revokedKeys(text) {
  return new Set(
    JSON.parse(text)
      .keys.filter(({ status }) => status === "revoked")
      .map(({ kid }) => kid),
  );
}

/** A key that verified before and that the new set does not know. */
export function lostKey(before, after) {
  const known = new Set(JSON.parse(after).keys.map(({ kid }) => kid));
  return JSON.parse(before).keys.find(({ kid, status }) => status !== "revoked" && !known.has(kid))?.kid;
}
