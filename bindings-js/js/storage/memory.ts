/** Storage in the memory of one process. */

import type { SyncStorage } from "./common/sync.js";
import { raiseCutOff } from "./memory/cut-offs.js";
import { find, list } from "./memory/find.js";
import { consume, insert, touch } from "./memory/insert.js";
import { revokeMatching } from "./memory/revoke-matching.js";
import { revoke } from "./memory/revoke.js";
import { State } from "./memory/state.js";
import { deleteExpired, delivered, undelivered } from "./memory/upkeep.js";

export type { SyncStorage } from "./common/sync.js";

/**
 * The simplest storage: everything in the memory of this process. It keeps every promise but one that it cannot: **it is lost with the
 * process, revocations included**, and no other process or worker thread sees it. Use it for tests, and for a service that is a single
 * process and whose tokens die with it, for instance because its signing key is made at its start.
 *
 * No call looks at what belongs to other subjects or other sessions. What is over stays until `expunge` is called; with it, memory stays as
 * large as what lives.
 *
 * Records, sessions and cut-offs are answered frozen: they are what is stored, and nobody may change it that way.
 *
 * @example
 * ```ts
 * import { createAuthenticator } from "authkernel";
 * import { memoryStorage } from "authkernel/storage/memory";
 *
 * const auth = await createAuthenticator({ policy, keys, storage: memoryStorage() });
 * const who = auth.authenticateSync(token, { purposes: ["user"] });
 * ```
 */
export function memoryStorage(): SyncStorage {
  const state = new State();
  return {
    sync: true,
    find: (query) => find(state, query),
    findMany: (queries) => queries.map((query) => find(state, query)),
    insert: (insertion) => insert(state, insertion),
    revoke: (revocation) => revoke(state, revocation),
    revokeMatching: (revocation) => revokeMatching(state, revocation),
    consume: (consumption) => consume(state, consumption),
    touch: (given) => touch(state, given),
    list: (query) => list(state, query),
    undelivered: (claim) => undelivered(state, claim),
    delivered: (records) => delivered(state, records),
    deleteExpired: (batch) => deleteExpired(state, batch),
    raiseCutOff: (cutOff) => raiseCutOff(state, cutOff),
  };
}
