// Other services that may ask about tokens and sign people out: who they are, and what each may do.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { StartError } from "../errors.js";

/** `POST /oauth/revoke`, `POST /oauth/introspect`, `POST /admin/subjects/{subject}/sign-out`. */
const PERMISSIONS = ["revoke", "introspect", "sign-out"];
/** How a hash is marked. Secrets are random, 256 bits, so that one round of a plain hash keeps them. */
const HASH = /^sha256:([A-Za-z0-9_-]{43})$/;
/** Printable ASCII (RFC 6749 appendix A.1), so that logs and headers can hold it. */
const ID = /^[ -~]{1,128}$/;
const MEMBERS = new Set(["id", "secret_hash", "may", "tenant"]);
const NOBODY = Buffer.alloc(32);

const hash = (secret) => createHash("sha256").update(secret).digest();

/** Reads the operator's file: `{"clients": [{"id", "secret_hash", "may", "tenant"?}]}`. */
export function loadClients(file) {
  try {
    return parseClients(readFileSync(file, "utf8"));
  } catch (error) {
    throw new StartError(`clients ${file}: ${error.message}`, { configuration: true, cause: error });
  }
}

export function parseClients(text) {
  const document = JSON.parse(text);
  if (!Array.isArray(document?.clients) || document.clients.length === 0) throw new Error("clients: must name at least one");
  const clients = new Map();
  document.clients.forEach((entry, index) => {
    const path = `clients[${index}]`;
    const problem = check(entry) ?? (clients.has(entry.id) ? "id: is used twice" : undefined);
    if (problem !== undefined) throw new Error(`${path}.${problem}`);
    clients.set(entry.id, {
      id: entry.id,
      tenant: entry.tenant,
      may: entry.may,
      secretHash: Buffer.from(HASH.exec(entry.secret_hash)[1], "base64url"),
    });
  });
  return {
    /** The client with this id and secret. An unknown id takes as long as a wrong secret. */
    authenticate(id, secret) {
      const found = clients.get(id);
      const same = timingSafeEqual(hash(secret), found?.secretHash ?? NOBODY);
      return same ? found : undefined;
    },
  };
}

function check(entry) {
  if (typeof entry !== "object" || entry === null) return "must be an object";
  const unknown = Object.keys(entry).find((name) => !MEMBERS.has(name));
  if (unknown !== undefined) return `${unknown}: is unknown`;
  if (typeof entry.id !== "string" || !ID.test(entry.id)) return "id: must be 1 to 128 printable ascii characters";
  if (!HASH.test(entry.secret_hash)) return "secret_hash: must be what the command client prints: sha256: and 43 characters of base64url";
  if (!Array.isArray(entry.may) || entry.may.length === 0) return "may: must name at least one of revoke, introspect, sign-out";
  const wrong = entry.may.find((name) => !PERMISSIONS.includes(name));
  if (wrong !== undefined) return `may: ${wrong} is none of revoke, introspect, sign-out`;
  if (entry.tenant !== undefined && (typeof entry.tenant !== "string" || entry.tenant === ""))
    return "tenant: is never empty: leave it out";
  return undefined;
}

/** A new client: its secret, which is kept nowhere, and its entry for the file. */
export function newClient(id, may) {
  const secret = randomBytes(32).toString("base64url");
  const entry = { id, secret_hash: `sha256:${hash(secret).toString("base64url")}`, may };
  const problem = check(entry);
  if (problem !== undefined) throw new StartError(problem, { configuration: true });
  return { secret, entry };
}
