// The live connection of this tab: opened with a single-use ticket, because a page cannot set the headers of a
// WebSocket; opened again after any loss but one: code 4001 means that the session is over.

import { knock, request } from "./api.js";
import { now } from "./format.js";

/** The close code with which the server ends a session's connections. */
export const ENDED = 4001;

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;

/**
 * Opens the live connection of `token` and keeps it open.
 *
 * - `onState("connecting" | "live" | "lost", detail)`
 * - `onPush(message)`: everything after the hello
 * - `onEnded({ code, reason, at })`: over for good; called once, also when coming back was refused
 *
 * Answers a function that closes it without a further word.
 */
export function openLive(token, { onState, onPush, onEnded }) {
  let socket;
  let timer;
  let wait = FIRST_WAIT;
  let over = false;

  const finish = (ended) => {
    if (over) return;
    over = true;
    onEnded(ended);
  };

  const again = (why) => {
    if (over) return;
    const pause = wait * (0.75 + Math.random() / 2);
    wait = Math.min(wait * 2, LONGEST_WAIT);
    onState("lost", { why, pause });
    timer = setTimeout(connect, pause);
  };

  async function connect() {
    if (over) return;
    onState("connecting");
    let ticket;
    try {
      ({ ticket } = await request("POST", "/api/socket-ticket", { token }));
    } catch (error) {
      if (error.denied) finish({ code: null, reason: error.code, at: now() });
      else again(error.code);
      return;
    }
    if (over) return;
    socket = new WebSocket(`${origin()}/live?ticket=${encodeURIComponent(ticket)}`);
    socket.onmessage = ({ data }) => receive(data);
    socket.onclose = ({ code, reason }) => {
      const at = now();
      if (code === ENDED) finish({ code, reason, at });
      else again(code);
    };
  }

  function receive(data) {
    if (over) return;
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message.type === "hello") {
      wait = FIRST_WAIT;
      onState("live", message);
    } else {
      onPush(message);
    }
  }

  connect();
  return () => {
    over = true;
    clearTimeout(timer);
    socket?.close(1000);
  };
}

/**
 * Tries once to come back with a token whose connection was closed: for a ticket, and for a connection itself.
 * Answers `{ refused, status, code }`; `refused` is `null` when it could not be tried.
 */
export async function comeBack(token) {
  const tries = await Promise.all([
    request("POST", "/api/socket-ticket", { token }).then(
      () => ({ status: 200, code: null }),
      (error) => ({ status: error.status, code: error.code }),
    ),
    knock(token),
  ]);
  const accepted = tries.find(({ status }) => status >= 200 && status < 300);
  if (accepted) return { refused: false, ...accepted };
  const denied = tries.every(({ status }) => status === 401 || status === 403);
  return { refused: denied ? true : null, ...tries[1] };
}

function origin() {
  return location.origin.replace(/^http/, "ws");
}
