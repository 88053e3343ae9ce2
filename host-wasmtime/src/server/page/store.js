// What this tab remembers, in its own `sessionStorage`: another tab never sees it.

const SESSION = "authkernel.session";
const LEFT = "authkernel.left";
const LOG = "authkernel.log";

/** The session of this tab, or `null`: what sign-in answered, with `email` and `device`. The only place of the token. */
export const loadSession = () => read(SESSION);
export const saveSession = (session) => write(SESSION, session);
export const clearSession = () => remove(SESSION);

/** What a tab that redirects itself hands to the page it comes to: the report, who it was; no secret. */
export const loadLeft = () => read(LEFT);
export const saveLeft = (left) => write(LEFT, left);
export const clearLeft = () => remove(LEFT);

/** The log of this tab; no secret. */
export const loadLog = () => read(LOG) ?? [];
export const saveLog = (entries) => write(LOG, entries);

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

// Storage that is full or forbidden costs only what a reload would have brought back.
function write(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {}
}

function remove(key) {
  try {
    sessionStorage.removeItem(key);
  } catch {}
}
