/** Whether a browser sent a request from this server's own pages. */

import type { RequestHead } from "./credential.js";
import { Refusal } from "./refusal.js";

/**
 * Refuses a request that a browser sent from another origin. One that names no origin did not come from a page of somebody else: browsers
 * name it with everything that is not a plain read.
 *
 * @example
 * ```ts
 * import { fetchHead } from "authkernel/middleware/credential";
 * import { requireSameOrigin } from "authkernel/middleware/origin";
 *
 * requireSameOrigin(fetchHead(request), "https://app.example"); // for sign-in, which has no credential yet
 * ```
 */
export function requireSameOrigin(head: RequestHead, publicUrl?: string): void {
  const site = head.values("sec-fetch-site")[0];
  if (site !== undefined && site !== "same-origin" && site !== "none") throw Refusal.because("origin_refused");
  const origins = head.values("origin");
  const [origin] = origins;
  if (origin === undefined) return;
  const sent = split(origin);
  const own = publicUrl === undefined ? here(head) : publicOrigin(publicUrl);
  if (origins.length > 1 || sent === undefined || sent !== own) throw Refusal.because("origin_refused");
}

/**
 * A public URL as browsers name it: scheme, host and port.
 *
 * @throws TypeError for anything else than `http://` or `https://`, a host and perhaps a port: no path, no name or password.
 *
 * @example
 * ```ts
 * publicOrigin("https://App.example:443/"); // "https://app.example"
 * ```
 */
export function publicOrigin(publicUrl: string): string {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  const bare = url && url.pathname === "/" && !url.search && !url.hash && !url.username && !url.password;
  if (!bare || !/^https?:$/.test(url.protocol)) {
    throw new TypeError("publicUrl must be http:// or https://, a host and perhaps a port, no path");
  }
  return url.origin;
}

function here(head: RequestHead): string | undefined {
  const hosts = head.values("host");
  const host = hosts[0] ?? head.host;
  return host === undefined || hosts.length > 1 ? undefined : normal(head.secure ? "https" : "http", host);
}

function split(origin: string): string | undefined {
  const at = origin.indexOf("://");
  return at < 0 ? undefined : normal(origin.slice(0, at), origin.slice(at + 3));
}

/** An origin in lower case, without the scheme's own port. */
function normal(scheme: string, authority: string): string {
  const lower = scheme.toLowerCase();
  const port = lower === "https" ? ":443" : ":80";
  const host = authority.toLowerCase();
  return `${lower}://${host.endsWith(port) ? host.slice(0, -port.length) : host}`;
}
