// Storage whose answers are timed.

import { StorageError } from "authkernel";

/** The same storage, which answers at once; `heard(call, milliseconds, outcome)` is told of every answer. */
export function timedStorage(storage, heard) {
  const timed = (name, call) => {
    const counted = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return (input) => {
      const began = performance.now();
      let outcome = "ok";
      try {
        return call(input);
      } catch (error) {
        outcome = error instanceof StorageError ? error.kind : "other";
        throw error;
      } finally {
        heard(counted, performance.now() - began, outcome);
      }
    };
  };
  const members = Object.entries(storage).map(([name, member]) => [
    name,
    typeof member === "function" && name !== "close" ? timed(name, member) : member,
  ]);
  return Object.fromEntries(members);
}
