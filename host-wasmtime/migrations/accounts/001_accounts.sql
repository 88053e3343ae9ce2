-- The accounts of the reference server, in the same file as its tokens.

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
