// The kernel's HMAC is that of node:crypto, wherever messages and keys end in a block of the hash.

import assert from "node:assert/strict";
import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import { test } from "node:test";
import { authenticator, claims } from "./kernel.mjs";

const hashes = { HS256: ["sha256", 32], HS384: ["sha384", 48], HS512: ["sha512", 64] };
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

for (const [alg, [hash, shortest]] of Object.entries(hashes)) {
  for (const length of new Set([shortest, 63, 64, 65, 127, 128, 129, 200].filter((length) => length >= shortest))) {
    test(`${alg}, a key of ${length} bytes`, async () => {
      const secret = randomBytes(length);
      const key = createSecretKey(secret);
      const auth = await authenticator({ kty: "oct", kid: `k${length}`, alg, k: secret.toString("base64url") });
      const mac = (message) => createHmac(hash, key).update(message).digest("base64url");
      const lengths = new Set();
      for (let more = 0; more < 200; more++) {
        const { token } = await auth.issue({ subject: "user?id=42", purpose: "user", claims: { more: "x".repeat(more) } });
        const [header, payload, signature] = token.split(".");
        assert.equal(signature, mac(`${header}.${payload}`));
        lengths.add((header.length + 1 + payload.length) % 128);

        const message = `${encode({ alg, kid: `k${length}` })}.${encode({ ...claims(), more: "y".repeat(more) })}`;
        const purposes = ["api"];
        assert.equal((await auth.authenticate(`${message}.${mac(message)}`, { purposes })).claims.more.length, more);
        const forged = Buffer.from(mac(message), "base64url");
        forged[more % forged.length] ^= 1 << more % 8;
        await assert.rejects(auth.authenticate(`${message}.${forged.toString("base64url")}`, { purposes }), { code: "signature_invalid" });
      }
      // Base64url has no text with 1 more than a multiple of 4.
      assert.ok(lengths.size >= 96, `${lengths.size} lengths of the message's end`);
    });
  }
}
