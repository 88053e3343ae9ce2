// Serves the page: the very files of the Rust server, from this repository, or from the copy that was made when this example was packed.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Refusal, StartError } from "./errors.js";

const FOLDERS = ["../page/", "../../../../host-wasmtime/src/server/page/"].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
const KINDS = { ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };

/** Only what this server itself serves is loaded, nothing inline, nobody may frame it. */
const CONTENT_SECURITY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Reads the page; answers the handlers of `GET /` and `GET /assets/{name}`. */
export function openPage() {
  const folder = FOLDERS.find((known) => existsSync(`${known}index.html`));
  if (folder === undefined) throw new StartError(`the page is not there: ${FOLDERS.join(" and ")} have no index.html`);
  const read = (name, kind) => {
    const bytes = readFileSync(`${folder}${name}`);
    return { bytes, kind, tag: `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}"` };
  };
  const index = read("index.html", "text/html; charset=utf-8");
  const names = readdirSync(folder).filter((name) => extname(name) in KINDS);
  const assets = new Map(names.map((name) => [name, read(name, KINDS[extname(name)])]));
  return {
    index({ incoming }) {
      const response = answer(incoming, index);
      response.headers.set("content-security-policy", CONTENT_SECURITY);
      return response;
    },
    asset({ incoming, parameter }) {
      const found = assets.get(parameter("name"));
      if (found === undefined) throw Refusal.because("not_found");
      return answer(incoming, found);
    },
  };
}

/** A file, or that the browser has it already. */
function answer(incoming, { bytes, kind, tag }) {
  const headers = { "cache-control": "no-cache", etag: tag };
  if (incoming.headers["if-none-match"] === tag) return new Response(null, { status: 304, headers });
  return new Response(bytes, { headers: { ...headers, "content-type": kind } });
}
