// The module without ES256 under the package in Node: `node runtimes/without-es256.mjs data.json`. What needs ES256 is left out.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { AuthError, createAuthenticator, generateKeys, initialize, StorageError } from "authkernel/slim";
import { memoryStorage } from "authkernel/storage/memory";
import { runVectors } from "../suite/index.mjs";

initialize(readFileSync(new URL("../../../../target/wasm/js-without-es256/kernel.wasm", import.meta.url)));
const data = JSON.parse(await readFile(process.argv[2], "utf8"));
const library = { createAuthenticator, AuthError, StorageError, memoryStorage };
const counts = await runVectors(library, { ...data, features: [] });

// A key that this build cannot use is refused when it is loaded, by name.
const policy = { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "1h" } } };
const refusal = await createAuthenticator({ policy, keys: await generateKeys("ES256"), storage: memoryStorage() }).catch((error) => error);
if (refusal.code === "keys_invalid" && refusal.message.includes("keys[0]") && refusal.message.includes("es256")) {
  counts.passed += 1;
} else {
  counts.failed += 1;
  counts.failures.push(`a key for ES256: ${refusal}`);
}
console.log(JSON.stringify(counts));
