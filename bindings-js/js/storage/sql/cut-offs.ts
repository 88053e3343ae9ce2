/** Cut-offs: stored statements that kill tokens without naming them. */

import { StorageError } from "../../errors.js";
import type { CutOff, SubjectCutOff } from "../../host.js";
import type { Driver, Row } from "./driver.js";
import { integer, listFrom, listText, number, tenantFrom, tenantKey, text, whole } from "./rows.js";

/** A value of `cut_offs.kind`. */
export const SUBJECT = 0;
/** A value of `cut_offs.kind`. */
export const TENANT = 1;
/** A value of `cut_offs.kind`. */
export const KEY = 2;

/** The columns of a cut-off, in the order in which {@link cutOffFrom} reads them. */
export const CUT_OFF = `kind, tenant, name, purpose, ${whole("value")}, spared, ${whole("forget_at")}`;

const RAISE = `INSERT INTO cut_offs (kind, tenant, name, purpose, value, spared, forget_at) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (kind, tenant, name, purpose) DO UPDATE SET
    spared = CASE WHEN excluded.value > value THEN excluded.spared ELSE spared END,
    value = max(value, excluded.value),
    forget_at = max(forget_at, excluded.forget_at)`;
const RAISE_EPOCH = `INSERT INTO subjects (tenant, subject, epoch) VALUES (?, ?, ?)
  ON CONFLICT (tenant, subject) DO UPDATE SET epoch = max(epoch, excluded.epoch)`;

/** Stores a cut-off or raises the one that is there. */
export function raiseCutOff(sql: Driver, cutOff: CutOff): void {
  if ("subject" in cutOff) {
    const { tenant, subject, below } = cutOff.subject;
    sql.run(RAISE_EPOCH, [tenantKey(tenant), subject, integer(below)]);
    raiseSubject(sql, cutOff.subject);
  } else if ("tenant" in cutOff) {
    const { tenant, at, forgetAt } = cutOff.tenant;
    sql.run(RAISE, [TENANT, tenantKey(tenant), "", "", integer(at), null, integer(forgetAt)]);
  } else {
    const { kid, at, forgetAt } = cutOff.key;
    sql.run(RAISE, [KEY, "", kid, "", integer(at), null, integer(forgetAt)]);
  }
}

/** Stores or raises a subject's cut-off alone, without its epoch. */
export function raiseSubject(sql: Driver, cutOff: SubjectCutOff): void {
  const { tenant, subject, purpose, below, spared, forgetAt } = cutOff;
  if (purpose === "") throw new StorageError("other", "a purpose is never empty: leave it out");
  sql.run(RAISE, [SUBJECT, tenantKey(tenant), subject, purpose ?? "", integer(below), listText(spared), integer(forgetAt)]);
}

/** A cut-off, from the columns {@link CUT_OFF}. */
export function cutOffFrom(row: Row): CutOff {
  const value = number(row[4], "value");
  const forgetAt = number(row[6], "forget_at");
  switch (row[0]) {
    case SUBJECT: {
      const subject = text(row[2], "name");
      const purpose = text(row[3], "purpose") || undefined;
      return { subject: { tenant: tenantFrom(row[1]), subject, purpose, below: value, spared: listFrom(row[5], "spared"), forgetAt } };
    }
    case TENANT:
      return { tenant: { tenant: tenantFrom(row[1]), at: value, forgetAt } };
    case KEY:
      return { key: { kid: text(row[2], "name"), at: value, forgetAt } };
    default:
      throw new StorageError("other", "a row cannot be read: kind is not what this adapter stores");
  }
}
