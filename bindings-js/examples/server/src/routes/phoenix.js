// `GET /socket/websocket`: the Phoenix channel protocol, so that its clients connect, join, and are disconnected.
//
// A token comes in the `Authorization` header, as a subprotocol, or as the parameter `token` (phoenix 1.7 has no other way); never as a
// cookie, so that no other site can use it. What counts is the connection: it lives as long as its token may.

import { Refusal as RequestRefusal } from "authkernel/middleware";
import { isUpgrade, nodeHead, readCredential } from "authkernel/middleware/credential";
import { handleUpgrades } from "authkernel/sockets/ws";
import { WebSocketServer } from "ws";
import { Refusal } from "../errors.js";
import { PURPOSES } from "../http/credential.js";
import { note } from "../http/observe.js";
import { Channel, read, VERSIONS } from "../phoenix-channel.js";
import { auditRefused, MAX_MESSAGE } from "./live.js";

export const PHOENIX = "/socket/websocket";
/** The subprotocol that the server speaks. */
const PROTOCOL = "phoenix";
/** What a client puts before its token when it sends it as a subprotocol (phoenix 1.8, `authToken`). */
const TOKEN_PREFIX = "base64url.bearer.phx.";

/** The listener for the upgrades of this route; it answers false for those of other paths. */
export function phoenixUpgrades(app) {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE,
    perMessageDeflate: false,
    handleProtocols: (offers) => offers.has(PROTOCOL) && PROTOCOL,
  });
  const upgrade = handleUpgrades({
    sockets: app.live,
    server,
    path: PHOENIX,
    purposes: PURPOSES,
    token: tokenOf,
    // As Phoenix disconnects: its clients come back, and are refused at the upgrade.
    farewell: ({ reason }) => ({ code: 1001, reason }),
    refused(error, incoming) {
      const refusal = Refusal.of(error);
      note(app, { method: incoming.method, route: PHOENIX, status: refusal.status, code: refusal.code, took: 0 });
      auditRefused(app, refusal, incoming);
    },
    connected(socket, _live, incoming) {
      note(app, { method: incoming.method, route: PHOENIX, status: 101, took: 0 });
      const channel = new Channel(parametersOf(incoming.url).version);
      socket.on("message", (data, isBinary) => {
        if (isBinary) return socket.close(1003, "text messages only");
        const push = read(channel.version, String(data));
        if (push === undefined) return socket.close(1007, "not a message of the phoenix protocol");
        socket.send(channel.answer(push));
      });
    },
  });
  // A query that is no good is refused by the route, in the server's words.
  return (incoming, stream, head) => parametersOf(incoming.url) !== undefined && upgrade(incoming, stream, head);
}

/** `{version, token}` of a query; nothing when it has one of them twice or asks for another version. Clients may add what they want. */
function parametersOf(url) {
  const query = new URLSearchParams(url.split("?").slice(1).join("?"));
  const [versions, tokens] = [query.getAll("vsn"), query.getAll("token")];
  const version = versions[0] ?? VERSIONS[0];
  if (versions.length > 1 || tokens.length > 1 || !VERSIONS.includes(version)) return undefined;
  return { version, token: tokens[0] };
}

async function tokenOf(head) {
  if (head.values("authorization").length > 0) return (await readCredential(head, { cookie: false })).token;
  const { token } = parametersOf(head.url);
  const offers = head.values("sec-websocket-protocol").flatMap((line) => line.split(","));
  const offered = offers.map((offer) => offer.trim()).filter((offer) => offer.startsWith(TOKEN_PREFIX));
  if (offered.length > 0) {
    const decoded = decode(offered[0].slice(TOKEN_PREFIX.length));
    if (offered.length > 1 || decoded === undefined) throw RequestRefusal.because("credential_ambiguous");
    return decoded;
  }
  if (token === undefined) throw RequestRefusal.because("credential_missing");
  return token;
}

/** Unpadded base64url; clients use what browsers have, which is the other alphabet. */
function decode(text) {
  if (!/^([\w-]*|[A-Za-z0-9+/]*)$/.test(text) || text.length % 4 === 1) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(text, "base64url"));
  } catch {
    return undefined;
  }
}

/** This route as a request: nobody can be served without an upgrade, or with such a query. */
export function plain({ app, incoming }) {
  if (!isUpgrade(nodeHead(incoming)) || parametersOf(incoming.url) !== undefined) throw Refusal.because("upgrade_required");
  const refusal = Refusal.because("query_invalid", "the query may have vsn (1.0.0 or 2.0.0) and token, once each");
  auditRefused(app, refusal, incoming);
  throw refusal;
}
