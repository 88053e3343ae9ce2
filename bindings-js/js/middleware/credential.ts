/**
 * Which credential a request carries: one rule for every framework, the same as the reference server's.
 *
 * - Where an `Authorization` header is present only it counts; a bad one is never replaced by anything else.
 * - A ticket or a subprotocol token, where the application takes them, comes before the cookie.
 * - A cookie counts only from the same origin, as far as a browser says where the request comes from; socket upgrades included.
 * - Two of a kind are refused, never chosen from.
 */

import type { MaybePromise } from "../host.js";
import { publicOrigin, requireSameOrigin } from "./origin.js";
import { Refusal } from "./refusal.js";

/** What the rule reads of a request, whatever the framework. */
export interface RequestHead {
  /** Every value of a header, by its lower-case name, as far as the runtime keeps them apart. */
  values(name: string): readonly string[];
  /** The path with its query, or a whole URL. */
  readonly url: string;
  /** Whether the request came over TLS to this process. */
  readonly secure: boolean;
  /** The host that was asked for, where the runtime knows it without a `Host` header. */
  readonly host?: string | undefined;
}

/** Which credentials are taken, and where from. */
export interface CredentialOptions {
  /**
   * The name of the session cookie, or `false` to take none. When absent: `__Host-authkernel_session` where browsers use https, and
   * `authkernel_session` otherwise, as the reference server.
   */
  cookie?: string | false | undefined;
  /**
   * What browsers call this server, such as `https://app.example`: for same-origin checks behind a proxy. When absent, it is what the
   * request's `Host` says, over what this process itself speaks.
   */
  publicUrl?: string | undefined;
  /**
   * Takes `?ticket=` on socket upgrades: redeems a single-use ticket for the token that it stands for, or answers nothing when it is
   * unknown, used or expired. A token itself has no place in a URL.
   */
  ticket?: ((ticket: string) => MaybePromise<string | null | undefined>) | undefined;
  /**
   * Takes a token offered as the WebSocket subprotocol `authkernel.bearer.<token>` on socket upgrades. Clients offer another one before it:
   * most servers answer the first offer, and the token is not to be answered.
   */
  subprotocol?: boolean | undefined;
}

/** What a request presents. */
export interface Credential {
  /** Where it was. */
  readonly kind: "bearer" | "cookie" | "ticket" | "subprotocol";
  /** The token. Keep it out of logs. */
  readonly token: string;
}

/** Before the token, in the subprotocol that carries one. */
export const SUBPROTOCOL_PREFIX = "authkernel.bearer.";

/**
 * The credential of a request, or a {@link Refusal}.
 *
 * @example
 * ```ts
 * import { fetchHead, readCredential } from "authkernel/middleware/credential";
 *
 * const { token } = await readCredential(fetchHead(request), { cookie: "sid" });
 * ```
 */
export async function readCredential(head: RequestHead, options: CredentialOptions = {}): Promise<Credential> {
  const authorizations = head.values("authorization");
  if (authorizations.length > 0) return { kind: "bearer", token: bearer(authorizations) };
  if (isUpgrade(head)) {
    const token = (await redeemed(head, options)) ?? offered(head, options);
    if (token) return token;
  }
  const values = cookieValues(head, options);
  const [token] = values;
  if (token === undefined) throw Refusal.because("credential_missing");
  if (values.length > 1) throw Refusal.because("credential_ambiguous");
  requireSameOrigin(head, options.publicUrl);
  return { kind: "cookie", token };
}

/**
 * Whether a request asks to speak the WebSocket protocol.
 *
 * @example
 * ```ts
 * if (!isUpgrade(fetchHead(request))) return new Response(null, { status: 426 });
 * ```
 */
export function isUpgrade(head: RequestHead): boolean {
  return head.values("upgrade").some((value) => value.split(",").some((name) => name.trim().toLowerCase() === "websocket"));
}

/**
 * Which of the subprotocols that a client offers is to be spoken: the first that is not a token.
 *
 * @example
 * ```ts
 * new WebSocketServer({ noServer: true, handleProtocols: (offers) => chooseSubprotocol(offers) ?? false });
 * ```
 */
export function chooseSubprotocol(offers: Iterable<string>): string | undefined {
  for (const offer of offers) if (!offer.startsWith(SUBPROTOCOL_PREFIX)) return offer;
  return undefined;
}

/**
 * The head of a fetch-standard request.
 *
 * @example
 * ```ts
 * const { token } = await readCredential(fetchHead(request));
 * ```
 */
export function fetchHead(request: { readonly headers: Headers; readonly url: string }): RequestHead {
  const url = new URL(request.url);
  return {
    values: (name) => {
      const value = request.headers.get(name);
      // Several values of a header that takes one are joined by a comma, which neither a token nor an origin contains.
      return value === null ? [] : name === "authorization" ? value.split(",") : [value];
    },
    url: request.url,
    secure: url.protocol === "https:" || url.protocol === "wss:",
    host: url.host,
  };
}

/** What is read of a Node request. */
export interface NodeRequest {
  readonly url?: string | undefined;
  readonly headersDistinct: Readonly<Record<string, readonly string[] | undefined>>;
  readonly socket: object;
}

/**
 * The head of a Node request (`http.IncomingMessage`). `url` where a framework has changed it.
 *
 * @example
 * ```ts
 * createServer(async (request, response) => {
 *   const { token } = await readCredential(nodeHead(request));
 * });
 * ```
 */
export function nodeHead(request: NodeRequest, url = request.url ?? "/"): RequestHead {
  const { headersDistinct, socket } = request;
  return {
    values: (name) => headersDistinct[name] ?? [],
    url,
    secure: "encrypted" in socket && socket.encrypted === true,
    // HTTP/2 has this instead of `Host`.
    host: headersDistinct[":authority"]?.[0],
  };
}

/** The token of `Bearer <token>`; the scheme in any case, one or more spaces (RFC 9110 section 11.4). */
function bearer(authorizations: readonly string[]): string {
  if (authorizations.length > 1) throw Refusal.because("credential_ambiguous");
  const token = /^bearer +([^ ]+) *$/i.exec(authorizations[0] ?? "")?.[1];
  if (token === undefined) throw Refusal.because("authorization_invalid");
  return token;
}

async function redeemed(head: RequestHead, options: CredentialOptions): Promise<Credential | undefined> {
  const query = head.url.indexOf("?");
  if (!options.ticket || query < 0) return undefined;
  const tickets = new URLSearchParams(head.url.slice(query + 1)).getAll("ticket");
  const [ticket] = tickets;
  if (ticket === undefined) return undefined;
  if (tickets.length > 1) throw Refusal.because("credential_ambiguous");
  const token = await options.ticket(ticket);
  if (typeof token !== "string" || token === "") throw Refusal.because("ticket_invalid");
  return { kind: "ticket", token };
}

function offered(head: RequestHead, options: CredentialOptions): Credential | undefined {
  if (!options.subprotocol) return undefined;
  const tokens = head
    .values("sec-websocket-protocol")
    .flatMap((line) => line.split(","))
    .map((offer) => offer.trim())
    .filter((offer) => offer.startsWith(SUBPROTOCOL_PREFIX));
  const [token] = tokens;
  if (token === undefined) return undefined;
  if (tokens.length > 1) throw Refusal.because("credential_ambiguous");
  return { kind: "subprotocol", token: token.slice(SUBPROTOCOL_PREFIX.length) };
}

/** Every value that the request has for the session cookie. */
function cookieValues(head: RequestHead, options: CredentialOptions): string[] {
  if (options.cookie === false) return [];
  const https = options.publicUrl === undefined ? head.secure : /^https:/i.test(options.publicUrl);
  const name = options.cookie ?? (https ? "__Host-authkernel_session" : "authkernel_session");
  const values: string[] = [];
  for (const pair of head.values("cookie").flatMap((line) => line.split(";"))) {
    const equals = pair.indexOf("=");
    const value = pair.slice(equals + 1).trim();
    if (equals >= 0 && pair.slice(0, equals).trim() === name && value !== "") values.push(value);
  }
  return values;
}

/**
 * Checks options once, where they are given, instead of at every request.
 *
 * @throws TypeError
 *
 * @example
 * ```ts
 * checkCredentialOptions({ publicUrl: "https://app.example/path" }); // throws
 * ```
 */
export function checkCredentialOptions(options: CredentialOptions): void {
  if (options.publicUrl !== undefined) publicOrigin(options.publicUrl);
  if (options.cookie !== undefined && options.cookie !== false && !/^[!#$%&'*+\-.^_`|~\w]+$/.test(options.cookie)) {
    throw new TypeError("cookie must be the name of a cookie, or false");
  }
}
