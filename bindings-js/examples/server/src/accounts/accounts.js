// Accounts: who may sign in. In the same SQLite file as the tokens, in the Rust server's tables.

import * as intents from "./intents.js";

/** The migrations, in order, as in `host-wasmtime/migrations/accounts`. Never change one that was released. */
const MIGRATIONS = [
  `-- The accounts of the reference server, in the same file as its tokens.

CREATE TABLE accounts (
    -- What tokens name. Never the e-mail address, which may change hands.
    subject       TEXT    NOT NULL PRIMARY KEY,
    -- In lower case.
    email         TEXT    NOT NULL UNIQUE,
    -- argon2id, in PHC format.
    password_hash TEXT    NOT NULL,
    -- Raised with every change of e-mail address or password.
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    changed_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Sign-outs that a change of credentials owes: written in the transaction that changes them, deleted when they are done.
CREATE TABLE intents (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    subject    TEXT    NOT NULL,
    trigger    TEXT    NOT NULL,
    acting_sid TEXT    NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
`,
];

const COLUMNS = "SELECT subject, email, password_hash AS passwordHash, version FROM accounts";

/** The accounts in a database. A change answers the id of its intent, or the code of why nothing was changed. */
export function openAccounts(database) {
  migrate(database);
  return {
    byEmail: (email) => database.get(`${COLUMNS} WHERE email = ?`, email),
    bySubject: (subject) => database.get(`${COLUMNS} WHERE subject = ?`, subject),

    /** Adds an account; false when its e-mail address is taken. */
    create({ subject, email, passwordHash }, at) {
      const insert = `INSERT INTO accounts (subject, email, password_hash, version, created_at, changed_at)
                      VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT (email) DO NOTHING`;
      return database.transaction(() => changes(database.run(insert, subject, email, passwordHash, at, at)) === 1);
    },

    /** Stores a new password hash and the intent to sign out, in one transaction. */
    changePassword({ subject, version }, passwordHash, intent) {
      const update = `UPDATE accounts SET password_hash = ?, version = version + 1, changed_at = ? WHERE subject = ? AND version = ?`;
      return database.transaction(() => {
        const done = changes(database.run(update, passwordHash, intent.changedAt, subject, version)) === 1;
        return done ? { intent: intents.insert(database, intent) } : { refused: "account_changed" };
      });
    },

    /** Stores a new e-mail address and the intent to sign out, in one transaction. */
    changeEmail({ subject, version }, email, intent) {
      const taken = `SELECT 1 FROM accounts WHERE email = ? AND subject <> ?`;
      const update = `UPDATE accounts SET email = ?, version = version + 1, changed_at = ? WHERE subject = ? AND version = ?`;
      return database.transaction(() => {
        if (database.get(taken, email, subject) !== undefined) return { refused: "email_taken" };
        const done = changes(database.run(update, email, intent.changedAt, subject, version)) === 1;
        return done ? { intent: intents.insert(database, intent) } : { refused: "account_changed" };
      });
    },

    /** A batch of the intents that were committed until a moment, oldest first, from after an id; empty when there are no more. */
    intentsUntil: (at, after) => intents.until(database, at, after),
    /** Removes an intent that was executed. */
    removeIntent: (id) => database.transaction(() => intents.remove(database, id)),
  };
}

function changes(result) {
  return Number(result.changes);
}

function migrate(database) {
  database.transaction(() => {
    database.exec("CREATE TABLE IF NOT EXISTS account_migrations (version INTEGER PRIMARY KEY) STRICT");
    const { done } = database.get("SELECT count(*) AS done FROM account_migrations");
    MIGRATIONS.slice(Number(done)).forEach((migration, index) => {
      database.exec(migration);
      database.run("INSERT INTO account_migrations (version) VALUES (?)", Number(done) + index + 1);
    });
  });
}
