// `GET /live` (WebSocket): whoever presents a token or a ticket for one is admitted by the kernel, or refused at the upgrade.

import { isUpgrade, nodeHead } from "authkernel/middleware/credential";
import { handleUpgrades } from "authkernel/sockets/ws";
import { WebSocketServer } from "ws";
import { clientOf } from "../client.js";
import { Refusal } from "../errors.js";
import { hasSeveralTickets, PURPOSES, severalTickets } from "../http/credential.js";
import { note } from "../http/observe.js";
import { hello } from "../pushes.js";

export const LIVE = "/live";
/** The longest message that a client may send, in bytes. What it says is not acted on. */
export const MAX_MESSAGE = 64 * 1024;
/** With this much on its way to it a peer is slow, and misses what comes. */
const SLOW = 64 * 1024;

/** The listener for the upgrades of `/live`; it answers false for those of other paths. */
export function liveUpgrades(app) {
  const upgrade = handleUpgrades({
    sockets: app.live,
    server: new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE, perMessageDeflate: false }),
    path: LIVE,
    purposes: PURPOSES,
    publicUrl: app.settings.publicUrl,
    ticket: app.tickets.redeem,
    refused(error, incoming) {
      const refusal = Refusal.of(error);
      note(app, { method: incoming.method, route: LIVE, status: refusal.status, code: refusal.code, took: 0 });
      auditRefused(app, refusal, incoming);
    },
    connected(socket, live, incoming) {
      const { identity } = live;
      note(app, { method: incoming.method, route: LIVE, status: 101, took: 0 });
      socket.send(JSON.stringify(hello(identity)));
      const end = app.pushes.subscribe(identity, (text) => {
        if (socket.readyState !== socket.OPEN || socket.bufferedAmount > SLOW) return false;
        socket.send(text);
        return true;
      });
      socket.on("close", end);
    },
  });
  // What has more than one ticket is refused by the route, in the server's words.
  return (incoming, stream, head) => !hasSeveralTickets(incoming) && upgrade(incoming, stream, head);
}

/** Somebody wanted to connect and may not. */
export function auditRefused(app, refusal, incoming) {
  const { address } = clientOf(incoming, app.settings.clientAddressHeader);
  app.audit.refused({ action: "connect", address }, refusal);
}

/** `GET /live` as a request: nobody can be served without an upgrade. */
export function plain({ app, incoming }) {
  if (!isUpgrade(nodeHead(incoming)) || !hasSeveralTickets(incoming)) throw Refusal.because("upgrade_required");
  const refusal = severalTickets();
  auditRefused(app, refusal, incoming);
  throw refusal;
}
