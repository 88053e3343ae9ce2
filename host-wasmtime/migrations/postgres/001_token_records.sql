-- Token records, sessions, cut-offs and epochs, in a schema of their own.
--
-- An absent tenant is stored as '' (a tenant is never empty), so that it can be part of a key.
-- Times are seconds since the Unix epoch. Texts are compared by their bytes (COLLATE "C"), whatever the collation of
-- the database. PostgreSQL has no NUL in a text: the adapters store U+0000 as U+0001 U+0001 and U+0001 as
-- U+0001 U+0002, which keeps texts apart and in order. The database's encoding must be UTF8.
--
-- Keys begin with what tells rows apart, not with the tenant, which often is the same everywhere: while the tables are
-- small, a planner takes any index whose first column is asked for, and keeps that plan while they grow.

DO $$
BEGIN
    -- Asked first, so that a role that may not create schemas can use one that was made for it.
    IF to_regnamespace('authkernel') IS NULL THEN
        CREATE SCHEMA authkernel;
    END IF;
END
$$;

CREATE TABLE authkernel.subjects (
    tenant  TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    epoch   BIGINT           NOT NULL,
    PRIMARY KEY (subject, tenant)
);

CREATE TABLE authkernel.sessions (
    tenant       TEXT COLLATE "C" NOT NULL,
    sid          TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    device       TEXT COLLATE "C",
    created_at   BIGINT           NOT NULL,
    last_seen    BIGINT           NOT NULL,
    ends_at      BIGINT           NOT NULL,
    ended_at     BIGINT,                        -- NULL while it is live
    ended_reason TEXT COLLATE "C",
    PRIMARY KEY (sid, tenant)
);

CREATE INDEX sessions_live ON authkernel.sessions (subject, tenant, created_at DESC, sid) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_end ON authkernel.sessions (ends_at);

CREATE TABLE authkernel.records (
    tenant       TEXT COLLATE "C" NOT NULL,
    jti          TEXT COLLATE "C" NOT NULL,
    sid          TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    purpose      TEXT COLLATE "C" NOT NULL,
    act          TEXT COLLATE "C",
    kid          TEXT COLLATE "C" NOT NULL,
    issued_at    BIGINT           NOT NULL,
    expires_at   BIGINT           NOT NULL,
    epoch        BIGINT           NOT NULL,
    extra_data   TEXT COLLATE "C",
    created_at   BIGINT           NOT NULL,
    status       SMALLINT         NOT NULL,     -- 0 live, 1 revoked, 2 consumed
    status_at    BIGINT,                        -- when it was revoked or consumed
    status_text  TEXT COLLATE "C",              -- the reason, or the hash of the request id
    successors   TEXT[] COLLATE "C",            -- jtis; NULL when there are none
    notify_due   BIGINT,                        -- NULL when live connections need not be told
    leased_until BIGINT           NOT NULL DEFAULT 0,
    PRIMARY KEY (jti, tenant)
);

CREATE INDEX records_by_session ON authkernel.records (sid, tenant, status);
CREATE INDEX records_live ON authkernel.records (subject, tenant) WHERE status = 0;
CREATE INDEX records_by_expiry ON authkernel.records (expires_at);
CREATE INDEX records_pending ON authkernel.records (notify_due, tenant, jti) WHERE notify_due IS NOT NULL;
CREATE INDEX records_pending_by_subject ON authkernel.records (subject, tenant, notify_due, jti) WHERE notify_due IS NOT NULL;

CREATE TABLE authkernel.cut_offs (
    kind      SMALLINT         NOT NULL,        -- 0 subject, 1 tenant, 2 key
    tenant    TEXT COLLATE "C" NOT NULL,        -- '' for a key
    name      TEXT COLLATE "C" NOT NULL,        -- the subject or the key; '' for a tenant
    purpose   TEXT COLLATE "C" NOT NULL,        -- '' for all purposes
    value     BIGINT           NOT NULL,        -- an epoch for a subject, a time for the others
    spared    TEXT[] COLLATE "C",               -- sids; NULL when there are none
    forget_at BIGINT           NOT NULL,
    PRIMARY KEY (name, tenant, kind, purpose)
);

CREATE INDEX cut_offs_by_forget_at ON authkernel.cut_offs (forget_at);
