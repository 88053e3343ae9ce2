// The audit log: who did what to whom, and with what outcome. JSON lines; never a token, password, ticket or e-mail address.

import { openSync, writeSync } from "node:fs";
import { StartError } from "../errors.js";

const NOTHING = { action: "", actor: "", actor_sid: "", subject: "", selector: "", reason: "" };
const NO_REPORT = { revoked: 0, disconnected: 0, undelivered: [] };

/** Opens the audit log: a file that is appended to and belongs to its owner, or standard error. */
export function openAudit(file) {
  let handle = 2;
  if (file !== undefined) {
    try {
      handle = openSync(file, "a", 0o600);
    } catch (error) {
      throw new StartError(`audit log ${file}: ${error.message}`, { cause: error });
    }
  }
  const write = (event, outcome, code, { revoked, disconnected, undelivered }) => {
    const line = {
      timestamp: new Date().toISOString(),
      level: "INFO",
      ...NOTHING,
      ...event,
      outcome,
      code,
      revoked,
      disconnected,
      undelivered: undelivered.length,
      target: "audit",
    };
    writeSync(handle, `${JSON.stringify(line)}\n`);
  };
  return {
    /** It was done. */
    done: (event) => write(event, "done", "", NO_REPORT),
    /** It was done, and this is what it did. */
    report: (event, report) => write(event, report.undelivered.length === 0 ? "done" : "done_undelivered", "", report),
    /** It was committed, but not carried through; it will be. */
    pending: (event, code) => write(event, "pending", code, NO_REPORT),
    /** It was refused. */
    refused: (event, refusal) => write(event, refusal.status >= 500 ? "failed" : "refused", refusal.code, NO_REPORT),
  };
}
