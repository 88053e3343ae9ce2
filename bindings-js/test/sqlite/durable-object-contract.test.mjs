// The contract's cases over a Durable Object, each on an object of its own. The calls come from outside of workerd, some milliseconds each,
// so the races, whose thousands of calls cannot meet inside one thread anyway, are left to the cases that compare it with memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { StorageError } from "authkernel";
import { cases, runCase } from "../contract/storage.mjs";
import { folder } from "./lib/fixtures.mjs";
import { startWorker } from "./lib/worker.mjs";

const RACES = [
  "a_jti_is_inserted_once_however_many_try",
  "a_record_is_consumed_once_however_many_try",
  "nothing_survives_a_refresh_against_a_sign_out",
  "nothing_survives_a_refresh_against_a_session_revocation",
  "nothing_survives_a_sign_in_against_a_password_change",
  "nothing_survives_joining_against_a_sign_out",
  "a_disconnect_is_claimed_once_however_many_try",
];
const METHODS = "find findMany insert revoke revokeMatching consume touch list undelivered delivered deleteExpired raiseCutOff".split(" ");

/** The storage of an object that has nothing else. */
function storageOf(stub) {
  const ask = async (method, input) => {
    const [{ answer, refused, guard, message }] = await stub.calls([{ method, input }]);
    if (refused !== undefined) throw new StorageError(refused, message, { guard });
    assert.equal(message, undefined);
    return answer;
  };
  return Object.fromEntries(METHODS.map((method) => [method, (input) => ask(method, input)]));
}

test("the contract over a durable object", async (t) => {
  const { stubOf } = await startWorker(t, { folder: folder(t) });
  assert.deepEqual(RACES.filter((name) => !cases.includes(name)), []);
  for (const name of cases.filter((name) => !RACES.includes(name))) {
    await t.test(name.replaceAll("_", " "), async () => runCase(name, storageOf(await stubOf("PLAIN", name))));
  }
});
