// Sign-outs that a change of credentials owes: an intent is written in the transaction that changes a credential and removed when its
// sign-out is done, so that a crash between the two is made good later.

/** How many are read at once. */
const BATCH = 100;

/** The call that pays an intent right after the commit: every session counts, however young. */
export function now({ subject, trigger, actingSid }) {
  return { subject, trigger, actingSid };
}

/** The call that pays it later: sessions that began after the change are left alone. */
export function later(intent) {
  return { ...now(intent), changedAt: intent.changedAt };
}

/** Writes one; answers its id. */
export function insert(database, { subject, trigger, actingSid, changedAt }) {
  const text = "INSERT INTO intents (subject, trigger, acting_sid, changed_at) VALUES (?, ?, ?, ?)";
  return Number(database.run(text, subject, trigger, actingSid, changedAt).lastInsertRowid);
}

/** The oldest ones that were committed until a moment and come after an id. */
export function until(database, at, after) {
  const text = `SELECT id, subject, trigger, acting_sid AS actingSid, changed_at AS changedAt FROM intents
                WHERE changed_at <= ? AND id > ? ORDER BY id LIMIT ?`;
  return database.all(text, at, after, BATCH);
}

/** Removes one. */
export function remove(database, id) {
  database.run("DELETE FROM intents WHERE id = ?", id);
}
