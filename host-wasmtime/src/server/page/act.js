// Does what signs devices out, and measures what comes of it.

import { liveCount, nameOf } from "./devices.js";
import { duration, now } from "./format.js";
import { log } from "./log.js";
import { Report } from "./measure.js";
import { revealReport, showReport } from "./report.js";
import { tab } from "./state.js";

/**
 * Answers `{ act, closed, closedByServer, cameBack }`. `tabs` are the other tabs; `onDone(answer, { own, redirects })` goes on after the
 * server's answer, `onDead(reason)` when it said that the session is over.
 */
export function setUpActions({ tabs, onDone, onDead }) {
  /**
   * Runs a request. `sids` names the sessions that it signs out, `run` sends it; with `redirects` the connection of
   * this tab is not cut, because the tab goes elsewhere by itself.
   */
  async function act({ label, sids, run, redirects = false }) {
    const { session } = tab;
    const before = { report: tab.report, press: tab.press };
    const report = begin(label, sids, redirects);
    tab.report = report;
    tab.press = { label, device: session.device, at: report.pressedAt, self: true };
    if (redirects) tab.phase = "leaving";
    tabs.post({ type: "press", label, device: session.device, at: report.pressedAt, sids });
    log(`Pressed “${label}”.`, "", report.pressedAt);
    let answer;
    try {
      answer = await run();
    } catch (error) {
      if (tab.phase === "leaving") tab.phase = "in";
      Object.assign(tab, before);
      log(`Refused: ${error.code}.`, "bad");
      if (error.denied && tab.session === session) onDead(error.code);
      throw error;
    }
    report.answered(answer, now());
    log(`The server answered after ${duration(report.answeredAt - report.pressedAt)}.`, "", report.answeredAt);
    showReport(report);
    if (tab.phase !== "ended") revealReport();
    // Most answers say what became of the caller's own session; the policy may differ from what the page expects.
    const own = answer?.current_session ? answer.current_session === "ended" : sids.includes(session.sid);
    await onDone(answer, { own, redirects });
  }

  function begin(label, sids, redirects) {
    const own = tab.session.sid;
    const here = tabs.connections();
    const rows = tab.sessions
      .filter(({ sid }) => sids.includes(sid))
      .map((session) => ({
        sid: session.sid,
        device: nameOf(session),
        self: session.sid === own,
        watched: here.has(session.sid),
        elsewhere: !here.has(session.sid) && liveCount(session, here) > 0,
      }));
    const report = new Report({ label, pressedAt: now(), rows });
    if (redirects) report.leave(own);
    return report;
  }

  /** A connection was closed, here or in another tab. Answers after how many milliseconds, if that is news. */
  function closed(sid, at) {
    const after = tab.report?.closed(sid, at, now()) ?? null;
    if (after !== null) showReport(tab.report);
    return after;
  }

  /** The server says that it closed a connection `afterMs` after the request came. */
  function closedByServer(sid, afterMs) {
    if (tab.report?.closedByServer(sid, afterMs)) showReport(tab.report);
  }

  /** A device tried to come back, here (`device` absent) or in another tab. */
  function cameBack(sid, back, device) {
    const what = device ? `${device}: reconnect` : "Reconnect";
    if (back.refused) log(`${what} refused with HTTP ${back.status} (${back.code}).`, "good");
    else if (back.refused === false) log(`${what} accepted: this must not be.`, "bad");
    else log(`${what} could not be tried (${back.code}).`, "bad");
    if (tab.report?.cameBack(sid, back)) showReport(tab.report);
  }

  return { act, closed, closedByServer, cameBack };
}
