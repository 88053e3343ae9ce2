// What a tab shows when its session is over: why, how fast, and that it stays closed.

import { byId, setFacts } from "./dom.js";
import { clock, count, duration } from "./format.js";

const EXPIRED = ["expired", "token_expired"];

/**
 * Shows the end: `end` is how the connection was closed and `press` which button did it, if that is known;
 * or `redirected: { devices, device }`, when the tab came here by itself.
 */
export function showEnded({ end, press, redirected }) {
  if (redirected) {
    show("calm", redirected.device, `Signed out on ${count(redirected.devices, "device")}`);
    byId("ended-lead").textContent =
      "The connection of this tab was left open so that it could bring you here. It could do nothing any more.";
    showFigure(null);
    setFacts(byId("ended-facts"), []);
    return;
  }
  show(press?.self ? "calm" : "alarm", end.device, title(end, press));
  byId("ended-lead").textContent = why(end, press);
  showFigure(press && end.code !== null ? Math.max(0, end.at - press.at) : null);
  showEndedFacts(end);
}

/** The facts alone: they are completed when coming back was tried. */
export function showEndedFacts(end) {
  setFacts(byId("ended-facts"), [
    ["Closed", `${closing(end)} at ${clock(end.at)}`],
    ["Reconnect", reconnect(end.back)],
  ]);
}

function show(tone, device, text) {
  byId("ended").dataset.tone = tone;
  byId("ended-eyebrow").textContent = device;
  byId("ended-title").textContent = text;
}

function showFigure(milliseconds) {
  byId("ended-figure").hidden = milliseconds === null;
  if (milliseconds !== null) byId("ended-figure-value").textContent = duration(milliseconds);
}

function title({ reason }, press) {
  if (EXPIRED.includes(reason)) return "This session has reached its end";
  return press?.self ? "You are signed out" : "This device was signed out";
}

function why({ reason }, press) {
  if (EXPIRED.includes(reason)) return "It was as old as a session may get.";
  if (!press) return "It was signed out from somewhere else.";
  return press.self ? `You pressed “${press.label}” here.` : `“${press.label}” was pressed on ${press.device}.`;
}

function closing({ code, reason }) {
  return code === null ? `by the page (${reason})` : `by the server with code ${code}, reason “${reason}”,`;
}

function reconnect(back) {
  if (!back) return "being tried once…";
  if (back.refused) return `refused with HTTP ${back.status} (${back.code}). It stays closed.`;
  if (back.refused === null) return `could not be tried (${back.code})`;
  return "was accepted: this must not be";
}
