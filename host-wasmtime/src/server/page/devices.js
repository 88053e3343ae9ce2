// The list of devices. Rows are kept between updates, so that the keyboard's focus stays where it is.

import { byId } from "./dom.js";
import { ago, count } from "./format.js";

const rows = new Map();

/**
 * Shows `sessions` as the server lists them; `connections` are the live ones by `sid`; `onSignOut(session)` is the
 * button of a row.
 */
export function showDevices(sessions, connections, onSignOut) {
  const list = byId("device-list");
  const shown = new Set(sessions.map(({ sid }) => sid));
  for (const [sid, row] of rows) {
    if (shown.has(sid)) continue;
    if (row.contains(document.activeElement)) byId("this-device-title").focus();
    row.remove();
    rows.delete(sid);
  }
  let total = 0;
  sessions.forEach((session, index) => {
    const live = liveCount(session, connections);
    total += live;
    const row = rows.get(session.sid) ?? create(session.sid);
    fill(row, session, live, onSignOut);
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  const text = `${count(sessions.length, "device")}, ${count(total, "live connection")}`;
  if (byId("devices-count").textContent !== text) byId("devices-count").textContent = text;
}

/** How many live connections a device has: as the server says, else as the tabs of this browser do. */
export function liveCount(session, connections) {
  return Number.isInteger(session.connections) ? session.connections : (connections.get(session.sid) ?? 0);
}

function create(sid) {
  const row = byId("device-row").content.firstElementChild.cloneNode(true);
  row.dataset.sid = sid;
  rows.set(sid, row);
  return row;
}

function fill(row, session, live, onSignOut) {
  const name = nameOf(session);
  row.dataset.live = String(live > 0);
  row.querySelector("b").textContent = name;
  row.querySelector(".badge").hidden = !session.current;
  row.querySelector(".device-times").textContent = `Signed in ${ago(session.created_at)}, last seen ${ago(session.last_seen)}`;
  row.querySelector(".device-live").textContent = live ? count(live, "live connection") : "No live connection";
  const button = row.querySelector("button");
  button.hidden = session.current;
  button.setAttribute("aria-label", `Sign out ${name}`);
  button.onclick = () => onSignOut(session);
}

/** What a device is called. */
export function nameOf({ device }) {
  return device || "Unnamed device";
}
