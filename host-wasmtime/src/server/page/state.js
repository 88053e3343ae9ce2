// What this tab is, in one place.

/**
 * - `phase`: `out`, `in`, `leaving` (its session is over and it redirects itself), `ended`
 * - `session`: what sign-in answered, with `email` and `device`; `null` when not signed in
 * - `subject`: whose tab it is or was last
 * - `sessions`, `pages`, `next`: the devices, how many pages of them are shown, whether there are more
 * - `report`: what the last sign-out did; `press`: the last press of a button that concerned this device
 * - `end`: how this tab's session came to its end
 * - `handedOut`: names of devices that this tab opened
 */
export const tab = {
  phase: "out",
  session: null,
  subject: null,
  sessions: [],
  pages: 1,
  next: null,
  report: null,
  press: null,
  end: null,
  handedOut: new Set(),
};

/** Begins as a device. */
export function begin(session) {
  Object.assign(tab, {
    phase: "in",
    session,
    subject: session.subject,
    sessions: [],
    pages: 1,
    next: null,
    press: null,
    end: null,
    handedOut: new Set([session.device]),
  });
}
