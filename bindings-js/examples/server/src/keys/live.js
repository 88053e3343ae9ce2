// The key set that is in force, and how a change of its file reaches the running server.

import { readFile } from "node:fs/promises";
import { Refusal } from "../errors.js";
import { lostKey, publicKeys, revokedKeys } from "./public.js";

/** How often the file is looked at, in milliseconds. */
const EVERY = 1_000;

/**
 * Puts each change of the key file in force. `replace(text)` makes the kernel use it, or throws.
 *
 * A file that cannot be read, is no key set, or has lost a key, changes nothing and is logged once: by a file that was written by half, or
 * that is another one, nobody should be signed out.
 */
export function watchKeys({ file, text, replace, auth, audit, log }) {
  let current = { text, public: publicKeys(text) };
  let refused = "";
  // Nothing is owed for keys that were revoked before the start: no connection of theirs could be opened since.
  let owed = new Set();
  let timer;
  let stopped = false;

  async function takeOver() {
    const read = await readFile(file, "utf8");
    if (read === current.text) return;
    // The kernel refuses what is no key set, before anything is read from it here.
    const lost = await replace(read, () => lostKey(current.text, read));
    if (lost !== undefined) throw new Error(`the key ${lost} is not there any more: revoke it before it is removed`);
    const before = revokedKeys(current.text);
    for (const kid of revokedKeys(read)) if (!before.has(kid)) owed.add(kid);
    current = { text: read, public: publicKeys(read) };
    log.info("the key set was changed", { keys: JSON.parse(read).keys.length });
  }

  /** Cuts off what the keys have signed: every process then asks about its sockets, and closes them. What fails is owed until it is done. */
  async function cutOff() {
    const left = new Set();
    for (const kid of owed) {
      const event = { action: "key_revoked", selector: kid, reason: "key_revoked" };
      try {
        audit.report(event, await auth.signOutEverywhere({ key: { kid } }, { reason: "key_revoked" }));
      } catch (error) {
        audit.refused(event, Refusal.of(error));
        left.add(kid);
      }
    }
    owed = left;
  }

  async function look() {
    try {
      await takeOver();
      refused = "";
    } catch (error) {
      if (refused !== error.message)
        log.error("the key file was changed and is not used: the keys before stay in force", { file, problem: error.message });
      refused = error.message;
    }
    await cutOff();
    if (!stopped) timer = setTimeout(look, EVERY).unref();
  }

  timer = setTimeout(look, EVERY).unref();
  return {
    /** The public half, for everybody. */
    public: () => current.public,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
