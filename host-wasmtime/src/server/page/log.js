// The log of this tab, newest entry first. It outlives a redirect of the tab.

import { byId, element } from "./dom.js";
import { clock, now } from "./format.js";
import { loadLog, saveLog } from "./store.js";

const LONGEST = 80;
const entries = loadLog();

/** Adds an entry at its place in time; `tone` is `good`, `bad` or nothing. */
export function log(text, tone = "", at = now()) {
  const entry = { at, text, tone };
  const later = entries.filter((other) => other.at > at).length;
  entries.splice(entries.length - later, 0, entry);
  const list = byId("log");
  list.insertBefore(line(entry), list.children[later] ?? null);
  if (entries.length > LONGEST) {
    entries.shift();
    list.lastElementChild.remove();
  }
  saveLog(entries);
}

/** Shows what an earlier page of this tab noted. */
export function showLog() {
  byId("log").replaceChildren(...entries.map(line).reverse());
}

function line({ at, text, tone }) {
  return element(
    "li",
    { "data-tone": tone || undefined },
    element("time", { datetime: new Date(at).toISOString() }, clock(at)),
    element("span", {}, text),
  );
}
