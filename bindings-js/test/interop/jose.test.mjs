// jose reads the kernel's tokens and its keys; the kernel reads those of jose.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeProtectedHeader, exportJWK, generateKeyPair, generateSecret, importJWK, jwtVerify, SignJWT } from "jose";
import { algorithms, audience, authenticator, claims, extra, fixtureKey, issuer, otherKey, shared } from "./kernel.mjs";

/** A key that jose made, as a JWK. */
async function joseKey(alg) {
  if (alg.startsWith("HS")) return { ...(await exportJWK(await generateSecret(alg, { extractable: true }))), alg, kid: `jose-${alg}` };
  const options = { extractable: true, ...(alg === "EdDSA" ? { crv: "Ed25519" } : {}) };
  const { privateKey } = await generateKeyPair(alg, options);
  return { ...(await exportJWK(privateKey)), alg, kid: `jose-${alg}` };
}

const sign = async (jwk, payload) =>
  new SignJWT(payload).setProtectedHeader({ alg: jwk.alg, kid: jwk.kid, typ: "JWT" }).sign(await importJWK(jwk, jwk.alg));

for (const [alg, name] of Object.entries(algorithms)) {
  const keys = { "of the fixtures": () => fixtureKey(name), "of jose": () => joseKey(alg) };
  for (const [whose, key] of Object.entries(keys)) {
    test(`${alg}, a key ${whose}: jose verifies the kernel's token`, async () => {
      const jwk = await key();
      const auth = await authenticator(jwk);
      const issued = await auth.issue({ subject: "user?id=42", purpose: "user", claims: extra });
      const verified = await jwtVerify(issued.token, await importJWK(shared(jwk), alg), { issuer, audience, algorithms: [alg], typ: "JWT" });
      assert.deepEqual(verified.protectedHeader, { alg, kid: jwk.kid, typ: "JWT" });
      const { sub, jti, sid, exp, iat, purpose, iss: _, aud: __, nbf: ___, ...own } = verified.payload;
      assert.deepEqual(
        [sub, jti, sid, iat, exp, purpose],
        ["user?id=42", issued.jti, issued.sid, issued.issuedAt, issued.expiresAt, "user"],
      );
      assert.deepEqual(own, extra);
      await assert.rejects(async () => jwtVerify(issued.token, await importJWK(shared(otherKey(jwk)), alg)), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
    });

    test(`${alg}, a key ${whose}: the kernel takes jose's token`, async () => {
      const jwk = await key();
      // A service that verifies only has the public part of a pair.
      for (const given of [jwk, shared(jwk)]) {
        const auth = await authenticator(given);
        const token = await sign(jwk, claims());
        const who = await auth.authenticate(token, { purposes: ["api"] });
        assert.equal(who.subject, "user?id=42");
        assert.equal(who.kid, jwk.kid);
        assert.deepEqual(who.claims, extra);
        const forged = await sign(otherKey(fixtureKey(name)), claims());
        const header = decodeProtectedHeader(token);
        assert.equal(header.kid, jwk.kid);
        if (whose === "of the fixtures") await assert.rejects(auth.authenticate(forged, { purposes: ["api"] }), { code: "signature_invalid" });
        const [head, body, signature] = token.split(".");
        const swapped = `${head}.${body}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
        await assert.rejects(auth.authenticate(swapped, { purposes: ["api"] }), { code: "signature_invalid" });
      }
    });
  }
}

test("Ed25519, the name that RFC 9864 gives EdDSA: the kernel takes jose's token", async () => {
  const jwk = { ...fixtureKey("ed25519-a"), alg: "Ed25519" };
  const auth = await authenticator(jwk);
  const who = await auth.authenticate(await sign(jwk, claims()), { purposes: ["api"] });
  assert.equal(who.subject, "user?id=42");
});
