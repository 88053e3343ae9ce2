// The key set of the server: read from a file, or made on the first start. The same file as the Rust server's.

import { createHash, generateKeyPairSync } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { StartError } from "../errors.js";

/** Reads the operator's key file. It must be there: a key that is made silently would end every session. */
export function loadKeys(file, log) {
  try {
    const text = readFileSync(file, "utf8");
    if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0) {
      log.warn("the key file can be read by others: set its mode to 0600", { file });
    }
    return text;
  } catch (error) {
    throw new StartError(`keys ${file}: ${error.message}`, { configuration: true, cause: error });
  }
}

/** Reads the key file of the data directory, and makes it when it is not there. */
export function loadOrGenerateKeys(file, log) {
  if (existsSync(file)) return loadKeys(file, log);
  const text = `${JSON.stringify({ keys: [newKey()] }, undefined, 2)}\n`;
  try {
    store(file, text);
  } catch (error) {
    throw new StartError(`cannot write the key file ${file}: ${error.message}`, { cause: error });
  }
  log.info("a new ed25519 signing key was made", { file });
  return text;
}

/** A new Ed25519 key that signs. Its id is its thumbprint (RFC 7638). */
function newKey() {
  const { kty, crv, x, d } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const kid = createHash("sha256").update(JSON.stringify({ crv, kty, x })).digest("base64url");
  return { kty, crv, alg: "EdDSA", use: "sig", kid, status: "signing", x, d };
}

/** Writes the file whole or not at all, readable by its owner only, and never over another. */
function store(file, text) {
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  const out = openSync(draft, "wx", 0o600);
  writeSync(out, text);
  fsyncSync(out);
  closeSync(out);
  renameSync(draft, file);
  if (process.platform === "win32") return;
  const folder = openSync(dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
}
