/** What stands where a record was consumed. */

import type { TokenRecord } from "../../host.js";
import { compareText } from "./text.js";

/** The newest live record of each purpose among the record's successors, and theirs, in the order of the purposes. */
export function newestSuccessors(record: TokenRecord, look: (jti: string) => TokenRecord | undefined): TokenRecord[] {
  const newest = new Map<string, TokenRecord>();
  const seen = new Set<string>();
  const next = [...record.successors];
  for (let jti = next.pop(); jti !== undefined; jti = next.pop()) {
    const successor = seen.has(jti) ? undefined : look(jti);
    seen.add(jti);
    if (successor === undefined) continue;
    next.push(...successor.successors);
    if (successor.status !== "live") continue;
    const known = newest.get(successor.purpose);
    if (known === undefined || age(known, successor) < 0) newest.set(successor.purpose, successor);
  }
  return [...newest].sort(([a], [b]) => compareText(a, b)).map(([, successor]) => successor);
}

function age(a: TokenRecord, b: TokenRecord): number {
  return a.issuedAt - b.issuedAt || a.createdAt - b.createdAt || compareText(a.jti, b.jti);
}
