-- The accounts of several reference servers that form one service, in a schema of their own beside that of the tokens.

DO $$
BEGIN
    -- Asked first, so that a role that may not create schemas can use one that was made for it.
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'authkernel_accounts') THEN
        CREATE SCHEMA authkernel_accounts;
    END IF;
END
$$;

CREATE TABLE authkernel_accounts.accounts (
    -- What tokens name. Never the e-mail address, which may change hands.
    subject       TEXT COLLATE "C" PRIMARY KEY,
    -- In lower case.
    email         TEXT COLLATE "C" NOT NULL UNIQUE,
    -- argon2id, in PHC format.
    password_hash TEXT             NOT NULL,
    -- Raised with every change of e-mail address or password.
    version       BIGINT           NOT NULL,
    created_at    BIGINT           NOT NULL,
    changed_at    BIGINT           NOT NULL
);

-- Sign-outs that a change of credentials owes: written in the transaction that changes them, deleted when they are done.
CREATE TABLE authkernel_accounts.intents (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject    TEXT COLLATE "C" NOT NULL,
    trigger    TEXT COLLATE "C" NOT NULL,
    acting_sid TEXT COLLATE "C" NOT NULL,
    changed_at BIGINT           NOT NULL
);

-- Asked by every statement that changes an account: what was answered must outlive a crash, whatever the server or the
-- role says of it. Always true.
CREATE FUNCTION authkernel_accounts.durable() RETURNS BOOLEAN LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    RETURN true;
END
$$;

-- Tickets for live connections, given by one server and taken by any: good once, for 30 s. Neither the ticket nor the
-- token is in here: the token is sealed with a key that is made from the ticket, of which only a hash is kept.
-- Not logged: after a crash of the database every client asks for a new one.
CREATE UNLOGGED TABLE authkernel_accounts.tickets (
    hash    BYTEA            PRIMARY KEY,
    sid     TEXT COLLATE "C" NOT NULL,
    sealed  BYTEA            NOT NULL,
    ends_at TIMESTAMPTZ      NOT NULL
);

CREATE INDEX tickets_of_session ON authkernel_accounts.tickets (sid, ends_at);
CREATE INDEX tickets_by_end ON authkernel_accounts.tickets (ends_at);
