// Keeps the list of devices as the server has it.

import { request } from "./api.js";
import { nameOf, showDevices } from "./devices.js";
import { byId } from "./dom.js";
import { log } from "./log.js";
import { handOver, nextDevice } from "./names.js";
import { tab } from "./state.js";

const SHOWN_AGAIN = 30_000;

/**
 * Answers `{ refresh, show, prepareLink }`. `tabs` are the other tabs, `onSignOut(session)` is the button of a row, and
 * `onDead(reason)` is called when the server says that the session is over.
 */
export function setUpList({ tabs, onSignOut, onDead }) {
  let running = false;
  let again = false;

  /** Loads the devices; calls that come meanwhile share one further load. */
  async function refresh() {
    if (tab.phase !== "in") return;
    again = running;
    if (running) return;
    running = true;
    await load(tab.session);
    running = false;
    if (again) refresh();
  }

  async function load(session) {
    try {
      const found = await pages(session.token);
      if (tab.session !== session || tab.phase !== "in") return;
      Object.assign(tab, found);
      show();
    } catch (error) {
      if (tab.session !== session) return;
      if (error.denied) onDead(error.code);
      else log(`The devices could not be loaded (${error.code}).`, "bad");
    }
  }

  async function pages(token) {
    const sessions = [];
    let next = null;
    for (let page = 0; page < tab.pages && (page === 0 || next); page += 1) {
      const path = next ? `/api/sessions?after=${encodeURIComponent(next)}` : "/api/sessions";
      const answer = await request("GET", path, { token });
      sessions.push(...answer.sessions);
      next = answer.next ?? null;
    }
    return { sessions, next };
  }

  function show() {
    if (tab.phase !== "in" || !tab.sessions.length) return;
    showDevices(tab.sessions, tabs.connections(), onSignOut);
    byId("more-devices").hidden = !tab.next;
    const alone = tab.sessions.length < 2 && !tab.next;
    byId("sign-out-others").setAttribute("aria-disabled", String(alone));
    prepareLink();
  }

  /** Which device the link opens; it can be pressed before the first list has come. */
  function prepareLink() {
    const taken = new Set([...tab.handedOut, ...tab.sessions.map(nameOf)]);
    byId("open-device").href = handOver(tab.session.email, nextDevice(taken));
  }

  byId("more-devices").addEventListener("click", () => {
    tab.pages += 1;
    refresh();
  });

  byId("open-device").addEventListener("click", ({ currentTarget }) => {
    tab.handedOut.add(new URLSearchParams(currentTarget.hash.slice(1)).get("device"));
    // After the browser has read the address of the link.
    setTimeout(() => tab.phase === "in" && prepareLink());
  });

  setInterval(show, SHOWN_AGAIN);
  return { refresh, show, prepareLink };
}
