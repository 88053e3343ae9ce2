// Passwords: argon2id, one hash per processor at once, never on the event loop's thread.

import { availableParallelism } from "node:os";
import { Algorithm, hash, verify, Version } from "@node-rs/argon2";
import { AuthError } from "authkernel";
import { Refusal } from "../errors.js";

const PASSES = 2;
const LANES = 1;
/** Characters that a password needs at least. */
const SHORTEST = 8;
/** Bytes that a password may have at most. */
const LONGEST = 1024;
/** Hashes that may wait per processor. At the recommended cost that is a few seconds. */
const WAITING_PER_PROCESSOR = 64;

/** Refuses a password that must not be chosen: too short, too long, or the e-mail address. */
export function checkPassword(password, email) {
  const text = password.trim().toLowerCase();
  const guessable = text === email || text === email.split("@", 1)[0];
  const fits = [...password].length >= SHORTEST && Buffer.byteLength(password) <= LONGEST;
  if (guessable || !fits) throw Refusal.because("password_weak");
}

/** Hashes and verifies passwords; each hash takes that much memory. */
export function createPasswords({ memoryKib, processors = availableParallelism(), mostWaiting = processors * WAITING_PER_PROCESSOR }) {
  const options = { algorithm: Algorithm.Argon2id, version: Version.V0x13, memoryCost: memoryKib, timeCost: PASSES, parallelism: LANES };
  const waiting = [];
  let running = 0;

  /** Runs a hash when a processor is free. */
  async function run(work) {
    if (running < processors) running++;
    else if (waiting.length >= mostWaiting) throw new AuthError("overloaded", "unavailable", "too many calls are waiting: try again later");
    // The place is handed on by whoever has ended.
    else await new Promise((go) => waiting.push(go));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  }

  const passwords = {
    /** The hash of a new password, in PHC format. */
    hash: (password) => run(() => hash(password, options)),
    /** Whether a password has this hash. Without a hash, for an account that does not exist, it takes as long. */
    async verify(password, known) {
      // Longer than any password that was ever taken.
      if (known === undefined || Buffer.byteLength(password) > LONGEST) {
        await passwords.hash([...password.slice(0, 2 * SHORTEST)].slice(0, SHORTEST).join(""));
        return false;
      }
      return run(() => verify(known, password));
    },
  };
  return passwords;
}
