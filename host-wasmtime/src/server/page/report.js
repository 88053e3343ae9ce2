// Shows a report: the figure, the table "device, closed after, reconnect", and what the server counted.

import { byId, element } from "./dom.js";
import { count, duration } from "./format.js";

/** Shows this report in place of the instructions. */
export function showReport(report) {
  byId("how").hidden = true;
  byId("report").hidden = false;
  byId("report-title").textContent = report.label;
  const { figure, caption } = headline(report);
  setText("report-figure", figure);
  byId("report-figure").hidden = !figure;
  setText("report-caption", caption);
  byId("report-rows").replaceChildren(...report.rows.map(row));
  setText("report-counts", counts(report));
}

/** Brings the report into view where it is below the fold, as on a phone. */
export function revealReport() {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  byId("report").scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
}

function headline({ watched, slowest }) {
  if (slowest !== null) {
    const which = watched.length === 1 ? "the connection was closed" : `the last of ${watched.length} connections was closed`;
    return { figure: duration(slowest), caption: `from the press of the button until ${which}` };
  }
  const open = watched.filter(({ after }) => after === undefined).length;
  if (open) return { figure: "", caption: `Waiting for ${count(open, "connection")} to close.` };
  return { figure: "", caption: "No live connection in another tab of this browser was concerned." };
}

function row({ device, self, back, ...rest }) {
  const name = element("td", {}, device);
  if (self) name.append(" ", element("span", { class: "badge" }, "this tab"));
  return element("tr", {}, name, closing(rest), reconnect(back, rest));
}

function closing({ after, server, left, watched, elsewhere }) {
  if (after !== undefined) return element("td", { "data-tone": "good" }, `after ${duration(after)}`);
  if (left) return element("td", { "data-tone": "muted" }, "left by itself");
  if (server !== undefined) return element("td", { "data-tone": "good" }, `after ${duration(server)} (server)`);
  if (watched) return element("td", {}, "still open");
  return element("td", { "data-tone": "muted" }, elsewhere ? "in another browser" : "had none");
}

function reconnect(back, { watched, left }) {
  if (!back) return element("td", { "data-tone": "muted" }, watched || left ? "…" : "–");
  if (back.refused) return element("td", { "data-tone": "good" }, `refused (${back.status})`);
  if (back.refused === null) return element("td", { "data-tone": "bad" }, "could not be tried");
  return element("td", { "data-tone": "bad" }, `accepted (${back.status})`);
}

function counts({ answer, answeredAt, pressedAt }) {
  if (!answer) return "Waiting for the server’s answer.";
  const { revoked, disconnected, undelivered, pending } = answer;
  if (pending) return "It is changed. The sign-out could not be done yet and is tried again until it is.";
  const parts = [];
  if (Number.isInteger(revoked)) parts.push(`${count(revoked, "device")} signed out`);
  if (Number.isInteger(disconnected)) parts.push(`${count(disconnected, "disconnect")} sent`);
  if (undelivered) parts.push(`${count(undelivered, "disconnect")} not delivered yet, sent again until it is`);
  const said = parts.length ? `: ${parts.join(", ")}` : "";
  return `The server answered after ${duration(answeredAt - pressedAt)}${said}.`;
}

// An unchanged text is left alone, so that a screen reader says it once.
function setText(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}
