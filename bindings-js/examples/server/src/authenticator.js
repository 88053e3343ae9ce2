// The kernel of this server: one that can be replaced when the keys change, and whose calls are counted.

import { AuthError, createAuthenticator } from "authkernel";

/** The operations, with the names that metrics have for them. */
const OPERATIONS = {
  beginSignIn: "begin_sign_in",
  issue: "issue",
  authenticate: "authenticate",
  admit: "admit",
  revoke: "revoke",
  signOutEverywhere: "sign_out_everywhere",
  preview: "preview",
  sessions: "sessions",
  credentialsChanged: "credentials_changed",
  sweep: "sweep",
  redeliver: "redeliver",
  expunge: "expunge",
};

/** An authenticator that goes on under the same name when its keys are replaced. `observe(operation, milliseconds, code)` hears of every call. */
export async function openAuthenticator({ policy, keys, storage, broadcast, observe }) {
  const make = (text) => createAuthenticator({ policy, keys: text, storage, broadcast });
  let current = await make(keys);

  async function observed(name, args) {
    const began = performance.now();
    try {
      const answer = await current[name](...args);
      observe(OPERATIONS[name], performance.now() - began, "ok");
      return answer;
    } catch (error) {
      observe(OPERATIONS[name], performance.now() - began, error instanceof AuthError ? error.code : "internal");
      throw error;
    }
  }

  return {
    auth: Object.fromEntries(Object.keys(OPERATIONS).map((name) => [name, (...args) => observed(name, args)])),
    /** Puts another key set in force, unless `objection` says what speaks against it: then that is the answer. */
    async replace(text, objection) {
      const next = await make(text);
      const objected = objection();
      if (objected !== undefined) {
        next.close();
        return objected;
      }
      const before = current;
      current = next;
      before.close();
      return undefined;
    },
    close: () => current.close(),
  };
}
