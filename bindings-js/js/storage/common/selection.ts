/** Which of a subject's records and sessions a selection means. */

import type { MatchingRevocation, Timestamp, TokenRecord } from "../../host.js";

/** Whether a selection means a record, its session aside. */
export function isSelected(
  { includePurposes, excludePurposes, keep, issuedBefore }: MatchingRevocation,
  { purpose, sid, issuedAt }: Pick<TokenRecord, "purpose" | "sid" | "issuedAt">,
): boolean {
  const included = includePurposes === undefined || includePurposes.includes(purpose);
  return included && !excludePurposes.includes(purpose) && !keep.includes(sid) && isBefore(issuedAt, issuedBefore);
}

/** Whether a moment is before another, which may be absent: then it is. */
export function isBefore(moment: Timestamp, limit: Timestamp | undefined): boolean {
  return limit === undefined || moment < limit;
}
