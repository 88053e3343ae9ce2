/** Written by `scripts/schema.mjs` from `host-wasmtime/migrations/sqlite`: change the files there, and never this one. */

/** Step `n` leads to schema version `n + 1`. A released step never changes; a change is a new step. */
export const STEPS: readonly string[] = [
  // 001_token_records.sql
  `-- Token records, sessions, cut-offs and epochs.
--
-- An absent tenant is stored as '' (a tenant is never empty), so that it can be part of a key.
-- Times are seconds since the Unix epoch. Every index serves a statement that would otherwise read
-- other subjects' rows; the statements name them (INDEXED BY), so that no plan changes with the data.

CREATE TABLE subjects (
    tenant  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    epoch   INTEGER NOT NULL,
    PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    tenant       TEXT    NOT NULL,
    sid          TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    device       TEXT,
    created_at   INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL,
    ended_at     INTEGER,            -- NULL while it is live
    ended_reason TEXT,
    PRIMARY KEY (tenant, sid)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_live ON sessions (tenant, subject, created_at DESC, sid) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_end ON sessions (ends_at);

CREATE TABLE records (
    id           INTEGER PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    jti          TEXT    NOT NULL,
    sid          TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    purpose      TEXT    NOT NULL,
    act          TEXT,
    kid          TEXT    NOT NULL,
    issued_at    INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    extra_data   TEXT,
    created_at   INTEGER NOT NULL,
    status       INTEGER NOT NULL,   -- 0 live, 1 revoked, 2 consumed
    status_at    INTEGER,            -- when it was revoked or consumed
    status_text  TEXT,               -- the reason, or the hash of the request id
    successors   TEXT,               -- JSON array of jti; NULL when there are none
    notify_due   INTEGER,            -- NULL when live connections need not be told
    leased_until INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX records_by_jti ON records (tenant, jti);
CREATE INDEX records_by_session ON records (tenant, sid, status);
CREATE INDEX records_live ON records (tenant, subject) WHERE status = 0;
CREATE INDEX records_by_expiry ON records (expires_at);
CREATE INDEX records_pending ON records (notify_due, tenant, jti) WHERE notify_due IS NOT NULL;
CREATE INDEX records_pending_by_subject ON records (tenant, subject, notify_due, jti) WHERE notify_due IS NOT NULL;

CREATE TABLE cut_offs (
    kind      INTEGER NOT NULL,      -- 0 subject, 1 tenant, 2 key
    tenant    TEXT    NOT NULL,      -- '' for a key
    name      TEXT    NOT NULL,      -- the subject or the key; '' for a tenant
    purpose   TEXT    NOT NULL,      -- '' for all purposes
    value     INTEGER NOT NULL,      -- an epoch for a subject, a time for the others
    spared    TEXT,                  -- JSON array of sid; NULL when there are none
    forget_at INTEGER NOT NULL,
    PRIMARY KEY (kind, tenant, name, purpose)
) STRICT, WITHOUT ROWID;

CREATE INDEX cut_offs_by_forget_at ON cut_offs (forget_at);
`,
];
