// This tab: signed out, signed in as a device, or ended. Each tab is a device of its own.

import { setUpAccount } from "./account.js";
import { setUpActions } from "./act.js";
import { withdraw } from "./confirm.js";
import { nameOf } from "./devices.js";
import { byId, showOnly } from "./dom.js";
import { showEnded, showEndedFacts } from "./ended.js";
import { ago, clock, count, duration, now } from "./format.js";
import { setUpList } from "./list.js";
import { comeBack, openLive } from "./live.js";
import { log, showLog } from "./log.js";
import { Report } from "./measure.js";
import { DEMO_PASSWORD, firstDevice, handedOver, isDemo } from "./names.js";
import { showReport } from "./report.js";
import { fillSignIn, setUpSignIn, showSignIn } from "./sign-in.js";
import { setUpSignOut } from "./sign-out.js";
import { begin, tab } from "./state.js";
import { clearLeft, clearSession, loadLeft, loadSession, saveLeft, saveSession } from "./store.js";
import { joinTabs } from "./tabs.js";

const VIEWS = ["welcome", "ended", "sign-in", "this-device", "devices", "account"];

/** How long a dead session waits for its connection to be closed before the page goes on without. */
const PATIENCE = 1500;
/** A press that is older than this did not cause a close. */
const CAUSE = 10_000;

const tabs = joinTabs({ onMessage: hear, onPeers: () => list.show() });
const { act, closed, closedByServer, cameBack } = setUpActions({ tabs, onDone: done, onDead: endSoon });
const signOut = setUpSignOut({ act });
const list = setUpList({ tabs, onSignOut: signOut.one, onDead: endSoon });
let closeLive = () => {};

setUpSignIn({ onSession: enter });
setUpAccount({ act, onEmail: emailChanged });

// A page brought back from the browser's cache has lost its connection: it begins anew.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});

start();

function start() {
  showLog();
  const given = handedOver();
  const session = loadSession();
  const left = loadLeft();
  const redirected = new URLSearchParams(location.search).get("signed-out");
  if (session) enter(session, { fresh: false });
  else if (left && redirected !== null) arrive(left, Number.parseInt(redirected, 10) || 0);
  else welcome(given);
}

function welcome({ email, device }) {
  if (location.search) history.replaceState(null, "", "/");
  setPhase("out", ["welcome", "sign-in"]);
  setPill("none", "Not signed in");
  document.title = "authkernel: sign-out that reaches every connection";
  showSignIn({ title: "Sign in", email, device: device || firstDevice(), offerDemo: !email });
  if (!email) return;
  byId("welcome-title").textContent = "Sign in as another device";
  byId("welcome-lead").textContent = "This tab will be a device of its own, with its own token and its own live connection.";
  byId(isDemo(email) ? "sign-in-button" : "password").focus();
}

/** Signed in: shows the devices and opens the live connection. */
function enter(session, { fresh = true } = {}) {
  begin(session);
  saveSession(session);
  clearLeft();
  history.replaceState(null, "", "/");
  setPhase("in", ["this-device", "devices", "account"]);
  byId("this-device-title").textContent = session.device;
  byId("whoami").textContent = session.device;
  showEmail(session.email);
  list.prepareLink();
  if (fresh) {
    log(`Signed in as ${session.device}.`);
    byId("this-device-title").focus();
  }
  closeLive = openLive(session.token, { onState: showConnection, onPush: pushed, onEnded: end });
  list.refresh();
}

/** The session is over: says why, tries once to come back to show that it stays closed, offers to sign in again. */
async function end({ code, reason, at }) {
  const { session } = tab;
  if (tab.phase === "leaving") {
    closed(session.sid, at);
    return;
  }
  if (tab.phase !== "in") return;
  closeLive();
  clearSession();
  withdraw();
  const press = tab.press && at - tab.press.at < CAUSE ? tab.press : null;
  tab.session = null;
  tab.end = { sid: session.sid, device: session.device, code, reason, at, back: null };
  tab.press = press;
  if (code !== null) closed(session.sid, at);
  tellEnd();
  tabs.announce(null);
  log(`Connection closed${code === null ? "" : ` with code ${code}`}: ${reason}.`, "bad", at);

  setPhase("ended", ["ended", "sign-in"]);
  setPill("closed", code === null ? "Closed" : `Closed: ${code} ${reason}`);
  document.title = `✕ ${session.device}: signed out`;
  showEnded({ end: tab.end, press });
  showSignIn({ title: "Sign in again", email: session.email, device: session.device, offerDemo: false });
  byId("ended-title").focus();

  tab.end.back = await comeBack(session.token);
  cameBack(session.sid, tab.end.back);
  tellEnd();
  if (tab.phase === "ended") showEndedFacts(tab.end);
}

/** After the server's answer to a sign-out. */
async function done(answer, { own, redirects }) {
  if (redirects) await leave(answer);
  else if (own) endSoon("signed out");
  else list.refresh();
}

/** Goes to the signed-out page, once every connection in view was seen to close or a moment has passed. */
async function leave(answer) {
  const { session, report } = tab;
  cameBack(session.sid, await comeBack(session.token));
  const limit = performance.now() + PATIENCE;
  while (!report.complete && performance.now() < limit) {
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  closeLive();
  clearSession();
  saveLeft({ report, email: session.email, device: session.device, subject: session.subject });
  location.assign(`/?signed-out=${answer?.revoked ?? report.rows.length}`);
}

/** The tab redirected itself and has arrived. */
function arrive(left, devices) {
  tab.subject = left.subject;
  tab.report = Report.from(left.report);
  setPhase("ended", ["ended", "sign-in"]);
  setPill("closed", "Signed out");
  document.title = `✕ ${left.device}: signed out`;
  showEnded({ redirected: { devices, device: left.device } });
  showSignIn({ title: "Sign in again", email: left.email, device: left.device, offerDemo: false });
  byId("ended-title").focus();
  if (tab.report) showReport(tab.report);
  // What was said while this tab was between two pages is asked for.
  tabs.post({ type: "report?", subject: tab.subject });
}

/** The server said that the session is dead: its connection is closed any moment; goes on without if it is not. */
function endSoon(reason) {
  const { session } = tab;
  setTimeout(() => {
    if (tab.session === session) end({ code: null, reason, at: now() });
  }, PATIENCE);
}

/** What another tab of this browser says about the same account. */
function hear(message) {
  if (message.subject !== tab.subject) return;
  const { type, sid, device, at } = message;
  if (type === "press") {
    log(`${device} pressed “${message.label}”.`, "", at);
    const press = { label: message.label, device, at, self: false };
    if (message.sids.includes(tab.session?.sid)) tab.press = press;
    // The server's close has overtaken what the other tab said.
    else if (!tab.press && tab.end && message.sids.includes(tab.end.sid) && Math.abs(tab.end.at - at) < CAUSE) {
      tab.press = press;
      showEnded({ end: tab.end, press });
    }
  } else if (type === "ended") {
    const after = message.code === null ? null : closed(sid, at);
    if (after !== null) log(`${device}: connection closed after ${duration(after)}.`, "good", at);
    const news = tab.report?.rows.some((row) => row.sid === sid && !row.back);
    if (message.back && news) cameBack(sid, message.back, device);
    if (!message.back) list.refresh();
  } else if (type === "report?" && tab.end) {
    tellEnd();
  }
}

function tellEnd() {
  tabs.post({ type: "ended", subject: tab.subject, ...tab.end });
}

/** What the server says on the live connection. */
function pushed(message) {
  if (message.type === "sessions") list.refresh();
  else if (message.type === "event") happened(message);
  else if (message.type === "closed") {
    for (const { sid, after_ms: afterMs } of message.sockets) {
      if (Number.isFinite(afterMs)) closedByServer(sid, afterMs);
    }
  }
}

/** Something that another device did. What a tab of this browser did it has told before. */
function happened({ action, sid, revoked }) {
  if (sid === tab.session.sid || tabs.connections().has(sid)) return;
  const device = tab.sessions.find((session) => session.sid === sid);
  if (action === "sign_in") log("Another device signed in.");
  else log(`${device ? nameOf(device) : "Another device"}: ${action.replaceAll("_", " ")}, ${count(revoked, "device")} signed out.`);
}

function emailChanged(session, email) {
  session.email = email;
  if (tab.session === session) {
    saveSession(session);
    showEmail(email);
  }
  if (tab.phase === "ended") fillSignIn({ email });
}

function showConnection(state, detail) {
  if (tab.phase !== "in") return;
  const { session } = tab;
  const live = state === "live";
  tabs.announce({ subject: session.subject, sid: session.sid, device: session.device, live });
  document.title = `${live ? "●" : "○"} ${session.device}`;
  byId("session-ends").textContent = ago(session.expires_at);
  if (live) {
    setPill("live", "Live");
    byId("socket-state").textContent = `Live since ${clock(now()).slice(0, 8)}`;
    byId("socket-id").textContent = detail.socket_id;
    log("Live connection open.");
  } else if (state === "connecting") {
    setPill("connecting", "Connecting");
    byId("socket-state").textContent = "Connecting…";
  } else {
    setPill("lost", "Connection lost");
    byId("socket-state").textContent = `Lost (${detail.why}), trying again`;
    log(`Connection lost (${detail.why}), trying again in ${duration(detail.pause)}.`, "bad");
  }
  list.show();
}

function showEmail(email) {
  byId("this-device-email").textContent = isDemo(email) ? `${email}, password: ${DEMO_PASSWORD}` : email;
  for (const id of ["password-username", "email-username"]) byId(id).value = email;
}

function setPhase(phase, views) {
  tab.phase = phase;
  document.body.dataset.phase = phase;
  showOnly(VIEWS, views);
  byId("how").hidden = phase === "ended" || tab.report !== null;
  if (phase !== "in") byId("whoami").textContent = "";
}

function setPill(state, text) {
  byId("socket-pill").dataset.state = state;
  byId("socket-pill").textContent = text;
}
