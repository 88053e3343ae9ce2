// PyJWT reads the kernel's tokens and its keys; the kernel reads those of PyJWT.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { algorithms, audience, authenticator, claims, extra, fixtureKey, issuer, otherKey, shared } from "./kernel.mjs";
import { findPython, lines } from "./python.mjs";

const { python, reason } = findPython();
if (reason) console.log(`\nSKIPPED: PyJWT: ${reason}\n`);

describe("PyJWT", { skip: reason ?? false }, () => {
  let pyjwt;
  before(() => {
    pyjwt = lines(python, "pyjwt.py");
  });
  after(() => pyjwt.close());

  const ok = async (request) => {
    const answer = await pyjwt.ask(request);
    assert.ok("ok" in answer, JSON.stringify(answer));
    return answer.ok;
  };

  for (const [alg, name] of Object.entries(algorithms)) {
    const keys = {
      "of the fixtures": () => fixtureKey(name),
      "of PyJWT": () => ok({ do: "generate", alg, secret: randomBytes(64).toString("hex") }),
    };
    for (const [whose, key] of Object.entries(keys)) {
      test(`${alg}, a key ${whose}: PyJWT verifies the kernel's token`, async () => {
        const jwk = await key();
        const auth = await authenticator(jwk);
        const issued = await auth.issue({ subject: "user?id=42", purpose: "user", claims: extra });
        const asked = { do: "verify", token: issued.token, alg, audience, issuer };
        const { header, payload } = await ok({ ...asked, jwks: { keys: [shared(jwk)] } });
        assert.deepEqual(header, { alg, kid: jwk.kid, typ: "JWT" });
        const { sub, jti, sid, exp, iat, purpose, iss: _, aud: __, nbf: ___, ...own } = payload;
        assert.deepEqual(
          [sub, jti, sid, iat, exp, purpose],
          ["user?id=42", issued.jti, issued.sid, issued.issuedAt, issued.expiresAt, "user"],
        );
        assert.deepEqual(own, extra);
        const other = { ...shared(otherKey(fixtureKey(name))), kid: jwk.kid };
        assert.deepEqual(await pyjwt.ask({ ...asked, jwks: { keys: [other] } }), { error: "InvalidSignatureError" });
      });

      test(`${alg}, a key ${whose}: the kernel takes PyJWT's token`, async () => {
        const jwk = await key();
        const token = await ok({ do: "sign", jwk, claims: claims() });
        const forged = await ok({ do: "sign", jwk: { ...otherKey(fixtureKey(name)), kid: jwk.kid }, claims: claims() });
        for (const given of [jwk, shared(jwk)]) {
          const auth = await authenticator(given);
          const who = await auth.authenticate(token, { purposes: ["api"] });
          assert.equal(who.subject, "user?id=42");
          assert.equal(who.kid, jwk.kid);
          assert.deepEqual(who.claims, extra);
          await assert.rejects(auth.authenticate(forged, { purposes: ["api"] }), { code: "signature_invalid" });
        }
      });
    }
  }
});
