/** The storage over any SQLite: each call is one transaction. */

import type { Touch } from "../../host.js";
import type { SyncStorage } from "../common/sync.js";
import { raiseCutOff } from "./cut-offs.js";
import type { Driver } from "./driver.js";
import { find, list } from "./find.js";
import { consume, insert } from "./insert.js";
import { preview, revokeMatching } from "./revoke-matching.js";
import { revoke } from "./revoke.js";
import { deleteExpired, delivered, undelivered } from "./upkeep.js";

/** A storage over a driver; `touch` is the driver's owner's to decide, because it need not be written at once. */
export function sqlStorage(sql: Driver, touch: (touch: Touch) => void): SyncStorage {
  return {
    sync: true,
    find: (query) => sql.read(() => find(sql, query)),
    findMany: (queries) => (queries.length === 0 ? [] : sql.read(() => queries.map((query) => find(sql, query)))),
    insert: (insertion) => sql.write(() => insert(sql, insertion)),
    revoke: (revocation) => sql.write(() => revoke(sql, revocation)),
    revokeMatching: (revocation) =>
      revocation.dryRun ? sql.read(() => preview(sql, revocation)) : sql.write(() => revokeMatching(sql, revocation)),
    consume: (consumption) => sql.write(() => consume(sql, consumption)),
    touch,
    list: (query) => sql.read(() => list(sql, query)),
    undelivered: (claim) => sql.write(() => undelivered(sql, claim)),
    delivered: (records) => (records.length === 0 ? undefined : sql.write(() => delivered(sql, records))),
    deleteExpired: (batch) => sql.write(() => deleteExpired(sql, batch)),
    raiseCutOff: (cutOff) => sql.write(() => raiseCutOff(sql, cutOff)),
  };
}
