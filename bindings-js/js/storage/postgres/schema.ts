/** Written by `scripts/embed.mjs` from `host-wasmtime/migrations/postgres`: change the files there, and never this one. */

/** Step `n` leads to schema version `n + 1`. A released step never changes; a change is a new step. */
export const STEPS: readonly string[] = [
  // 001_token_records.sql
  `-- Token records, sessions, cut-offs and epochs, in a schema of their own.
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
`,
  // 002_operations.sql
  `-- The storage calls that write, one function each: one round trip, and no lock is held while a client thinks.
--
-- Writes for one subject are serialised: each function takes the subject's row first and reads only then. In a function
-- of PL/pgSQL every statement sees what was committed before it began, if the transaction is at READ COMMITTED; at
-- REPEATABLE READ it would see what stood before it waited for the row, and leave a rotated token alive. So any other
-- level is refused (AK004).
--
-- A function is planned when the tables are still empty, and keeps its plan while they grow. So plans that read whole
-- tables are out of the question from the beginning (enable_seqscan, enable_hashjoin, enable_mergejoin), and so are
-- partial indexes that serve other questions: \`status + 0 = 0\` and \`coalesce(ended_at, -1) = -1\` mean \`status = 0\` and
-- \`ended_at IS NULL\`, but no index's predicate follows from them.
--
-- A call is one JSON document, as the adapters make it: texts escaped as in 001, times and epochs at most 2^53 - 1,
-- names as in the columns. Conditions that fail are errors, so that nothing of the call stays: AK001 conflict,
-- AK002 the epoch was raised, AK003 the session cannot be joined.

CREATE FUNCTION authkernel.lock_subject(of_tenant TEXT, of_subject TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    found_epoch BIGINT;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'authkernel needs transactions at read committed' USING ERRCODE = 'AK004';
    END IF;
    -- A revocation that was answered must outlive a crash.
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    LOOP
        SELECT s.epoch INTO found_epoch FROM authkernel.subjects s
        WHERE s.tenant = of_tenant AND s.subject = of_subject FOR UPDATE;
        IF FOUND THEN
            RETURN found_epoch;
        END IF;
        INSERT INTO authkernel.subjects (tenant, subject, epoch) VALUES (of_tenant, of_subject, 0)
        ON CONFLICT (tenant, subject) DO NOTHING;
    END LOOP;
END
$$;

-- Stores a record as it stands, but for its epoch; false when its key is known, whatever its status.
CREATE FUNCTION authkernel.put_record(entry JSONB, of_epoch BIGINT) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO authkernel.records (tenant, jti, sid, subject, purpose, act, kid, issued_at, expires_at, epoch, extra_data,
        created_at, status, status_at, status_text, successors, notify_due)
    SELECT r.tenant, r.jti, r.sid, r.subject, r.purpose, r.act, r.kid, r.issued_at, r.expires_at, of_epoch, r.extra_data,
        r.created_at, r.status, r.status_at, r.status_text, r.successors, r.notify_due
    FROM jsonb_populate_record(NULL::authkernel.records, entry) r
    ON CONFLICT (tenant, jti) DO NOTHING;
    RETURN FOUND;
END
$$;

-- Stores a session as it stands; false when its key is known.
CREATE FUNCTION authkernel.put_session(entry JSONB) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO authkernel.sessions (tenant, sid, subject, device, created_at, last_seen, ends_at, ended_at, ended_reason)
    SELECT s.tenant, s.sid, s.subject, s.device, s.created_at, s.last_seen, s.ends_at, s.ended_at, s.ended_reason
    FROM jsonb_populate_record(NULL::authkernel.sessions, entry) s
    ON CONFLICT (tenant, sid) DO NOTHING;
    RETURN FOUND;
END
$$;

-- Extends a live session of the same subject, or fails.
CREATE FUNCTION authkernel.join_session(entry JSONB) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    UPDATE authkernel.sessions s SET
        last_seen = greatest(s.last_seen, (entry->>'last_seen')::bigint),
        ends_at = greatest(s.ends_at, (entry->>'ends_at')::bigint)
    WHERE s.tenant = entry->>'tenant' AND s.sid = entry->>'sid' AND s.subject = entry->>'subject'
        AND coalesce(s.ended_at, -1) = -1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the session cannot be joined' USING ERRCODE = 'AK003';
    END IF;
END
$$;

-- {record, session, open, guard}: answers the epoch.
CREATE FUNCTION authkernel.insert(call JSONB) RETURNS BIGINT LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    current_epoch BIGINT := authkernel.lock_subject(call->'record'->>'tenant', call->'record'->>'subject');
BEGIN
    IF current_epoch > (call->>'guard')::bigint THEN
        RAISE EXCEPTION 'the epoch was raised' USING ERRCODE = 'AK002';
    END IF;
    IF (call->>'open')::boolean THEN
        IF NOT authkernel.put_session(call->'session') THEN
            RAISE EXCEPTION 'the sid is known' USING ERRCODE = 'AK001';
        END IF;
    ELSE
        PERFORM authkernel.join_session(call->'session');
    END IF;
    IF NOT authkernel.put_record(call->'record', current_epoch) THEN
        RAISE EXCEPTION 'the jti is known' USING ERRCODE = 'AK001';
    END IF;
    RETURN current_epoch;
END
$$;

-- Whose the target of a revocation is; NULL when nothing is known of it. Records can outlive the row of their session
-- only by a defect, and must not outlive its revocation; of several owners the first by name is meant.
CREATE FUNCTION authkernel.owner_of(of_tenant TEXT, of_jti TEXT, of_sid TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$
BEGIN
    IF of_jti IS NOT NULL THEN
        RETURN (SELECT r.subject FROM authkernel.records r WHERE r.tenant = of_tenant AND r.jti = of_jti);
    END IF;
    RETURN coalesce(
        (SELECT s.subject FROM authkernel.sessions s WHERE s.tenant = of_tenant AND s.sid = of_sid),
        (SELECT min(r.subject) FROM authkernel.records r WHERE r.tenant = of_tenant AND r.sid = of_sid));
END
$$;

-- The disconnects that are due, of a token, a session or a subject, without extra data: {pending, more}.
CREATE FUNCTION authkernel.pending(of_tenant TEXT, of_jti TEXT, of_sid TEXT, of_subject TEXT, moment BIGINT, most BIGINT)
RETURNS JSONB LANGUAGE plpgsql AS $$
DECLARE
    page JSONB;
BEGIN
    IF of_jti IS NOT NULL THEN
        page := (SELECT jsonb_agg(to_jsonb(r) - 'extra_data') FROM authkernel.records r
            WHERE r.tenant = of_tenant AND r.jti = of_jti AND coalesce(r.notify_due, moment + 1) <= moment);
    ELSIF of_sid IS NOT NULL THEN
        page := (SELECT jsonb_agg(to_jsonb(p) - 'extra_data') FROM (
            SELECT * FROM authkernel.records r
            WHERE r.tenant = of_tenant AND r.sid = of_sid AND coalesce(r.notify_due, moment + 1) <= moment
            ORDER BY r.notify_due, r.jti LIMIT most + 1) p);
    ELSE
        page := (SELECT jsonb_agg(to_jsonb(p) - 'extra_data') FROM (
            SELECT * FROM authkernel.records r
            WHERE r.tenant = of_tenant AND r.subject = of_subject AND r.notify_due <= moment
            ORDER BY r.notify_due, r.jti LIMIT most + 1) p);
    END IF;
    page := coalesce(page, '[]');
    IF jsonb_array_length(page) > most THEN
        RETURN jsonb_build_object('pending', page - (-1), 'more', true);
    END IF;
    RETURN jsonb_build_object('pending', page, 'more', false);
END
$$;

-- {tenant, jti | sid, subject, at, reason, tombstone, session_tombstone, notify_purposes, due, limit}:
-- answers {outcome, records, pending, more}.
CREATE FUNCTION authkernel.revoke(call JSONB) RETURNS JSONB LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    of_tenant TEXT := call->>'tenant';
    of_jti    TEXT := call->>'jti';
    of_sid    TEXT := call->>'sid';
    wanted    TEXT := call->>'subject';
    moment    BIGINT := (call->>'at')::bigint;
    told      TEXT[] := ARRAY(SELECT jsonb_array_elements_text(call->'notify_purposes'));
    owner     TEXT;
    taken     TEXT;
    maybe     TEXT;
    ended     INTEGER := 0;
    revoked   INTEGER := 0;
    written   BOOLEAN := false;
    whole     BOOLEAN;
    outcome   TEXT;
BEGIN
    LOOP
        owner := authkernel.owner_of(of_tenant, of_jti, of_sid);
        IF owner <> wanted THEN
            RETURN jsonb_build_object('outcome', 'not_found', 'records', 0, 'pending', '[]'::jsonb, 'more', false);
        END IF;
        maybe := coalesce(owner, wanted, call->'session_tombstone'->>'subject', call->'tombstone'->>'subject', '');
        -- Nobody can be asked for the subject of a token that was never known.
        IF maybe <> '' AND taken IS DISTINCT FROM maybe THEN
            PERFORM authkernel.lock_subject(of_tenant, maybe);
            taken := maybe;
            CONTINUE;  -- Whose it is, is read again: what stood before the lock does not count.
        END IF;
        IF of_jti IS NOT NULL THEN
            UPDATE authkernel.records r SET status = 1, status_at = moment, status_text = call->>'reason',
                notify_due = CASE WHEN r.purpose = ANY (told) THEN (call->>'due')::bigint END
            WHERE r.tenant = of_tenant AND r.jti = of_jti AND r.status + 0 = 0;
            GET DIAGNOSTICS revoked = ROW_COUNT;
        ELSE
            UPDATE authkernel.records r SET status = 1, status_at = moment, status_text = call->>'reason',
                notify_due = CASE WHEN r.purpose = ANY (told) THEN (call->>'due')::bigint END
            WHERE r.tenant = of_tenant AND r.sid = of_sid AND r.status + 0 = 0;
            GET DIAGNOSTICS revoked = ROW_COUNT;
            UPDATE authkernel.sessions s SET ended_at = moment, ended_reason = call->>'reason'
            WHERE s.tenant = of_tenant AND s.sid = of_sid AND coalesce(s.ended_at, -1) = -1;
            GET DIAGNOSTICS ended = ROW_COUNT;
        END IF;
        whole := true;
        IF of_sid IS NOT NULL AND jsonb_typeof(call->'session_tombstone') = 'object' THEN
            whole := authkernel.put_session(call->'session_tombstone');
            written := written OR whole;
        END IF;
        IF jsonb_typeof(call->'tombstone') = 'object' THEN
            IF authkernel.put_record(call->'tombstone', (call->'tombstone'->>'epoch')::bigint) THEN
                written := true;
            ELSIF of_jti IS NOT NULL THEN
                whole := false;
            END IF;
        END IF;
        -- What was unknown and could not be stored became known meanwhile: it is revoked like anything known.
        EXIT WHEN owner IS NOT NULL OR whole;
    END LOOP;
    outcome := CASE
        WHEN revoked + ended > 0 THEN 'revoked'
        WHEN owner IS NOT NULL THEN 'already'
        WHEN written THEN 'tombstoned'
        ELSE 'not_found'
    END;
    RETURN authkernel.pending(of_tenant, of_jti, of_sid, NULL, moment, (call->>'limit')::bigint)
        || jsonb_build_object('outcome', outcome, 'records', revoked);
END
$$;
`,
  // 003_operations.sql
  `-- The other storage calls that write; see 002.

-- Stores a subject's, a tenant's or a key's cut-off, or raises the one that is there.
CREATE FUNCTION authkernel.put_cut_off(entry JSONB) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO authkernel.cut_offs AS known (kind, tenant, name, purpose, value, spared, forget_at)
    SELECT c.kind, c.tenant, c.name, c.purpose, c.value, c.spared, c.forget_at
    FROM jsonb_populate_record(NULL::authkernel.cut_offs, entry) c
    ON CONFLICT (kind, tenant, name, purpose) DO UPDATE SET
        spared = CASE WHEN excluded.value > known.value THEN excluded.spared ELSE known.spared END,
        value = greatest(known.value, excluded.value),
        forget_at = greatest(known.forget_at, excluded.forget_at);
END
$$;

-- A row of cut_offs.
CREATE FUNCTION authkernel.raise_cut_off(call JSONB) RETURNS VOID LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF (call->>'kind')::integer = 0 THEN
        PERFORM authkernel.lock_subject(call->>'tenant', call->>'name');
        UPDATE authkernel.subjects s SET epoch = (call->>'value')::bigint
        WHERE s.tenant = call->>'tenant' AND s.subject = call->>'name' AND s.epoch < (call->>'value')::bigint;
    ELSIF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    PERFORM authkernel.put_cut_off(call);
END
$$;

-- {tenant, subject, include_purposes, exclude_purposes, keep, issued_before, unexpired_after, end_sessions, cut_offs,
-- forget_at, at, reason, notify_purposes, delay_sid, delay_due, limit, dry_run}, where cut_offs has a purpose per
-- cut-off, '' for all of them: answers {sessions, records, notify_records, notify_sessions, pending, more, epoch}.
CREATE FUNCTION authkernel.revoke_matching(call JSONB) RETURNS JSONB LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    of_tenant  TEXT := call->>'tenant';
    of_subject TEXT := call->>'subject';
    dry        BOOLEAN := (call->>'dry_run')::boolean;
    moment     BIGINT := (call->>'at')::bigint;
    earlier    BIGINT := (call->>'issued_before')::bigint;
    unexpired  BIGINT := (call->>'unexpired_after')::bigint;
    included   JSONB := call->'include_purposes';
    every_one  BOOLEAN := coalesce(jsonb_typeof(included), 'null') = 'null';
    excluded   JSONB := call->'exclude_purposes';
    kept       JSONB := call->'keep';
    told       JSONB := call->'notify_purposes';
    of_purpose TEXT;
    new_epoch  BIGINT;
    ending     TEXT[];
    doomed     TEXT[];
    counts     JSONB;
BEGIN
    IF dry THEN
        new_epoch := coalesce(
            (SELECT s.epoch FROM authkernel.subjects s WHERE s.tenant = of_tenant AND s.subject = of_subject), 0);
    ELSE
        new_epoch := least(authkernel.lock_subject(of_tenant, of_subject), 9007199254740990) + 1;
        UPDATE authkernel.subjects s SET epoch = new_epoch WHERE s.tenant = of_tenant AND s.subject = of_subject;
    END IF;

    -- What the selection means at this moment, in one statement: one snapshot.
    WITH ends AS (
        SELECT s.sid, s.ends_at > unexpired AS counts FROM authkernel.sessions s
        WHERE (call->>'end_sessions')::boolean AND s.tenant = of_tenant AND s.subject = of_subject AND s.ended_at IS NULL
            AND NOT kept ? s.sid AND (earlier IS NULL OR s.created_at < earlier)
    ), dies AS (
        SELECT r.jti, r.sid, told ? r.purpose AND r.sid IS DISTINCT FROM call->>'delay_sid' AS notified FROM authkernel.records r
        WHERE r.tenant = of_tenant AND r.subject = of_subject AND r.status = 0 AND r.expires_at > unexpired
            AND (r.sid IN (SELECT e.sid FROM ends e)
                OR NOT kept ? r.sid AND (earlier IS NULL OR r.issued_at < earlier)
                    AND (every_one OR included ? r.purpose) AND NOT excluded ? r.purpose)
    )
    SELECT
        (SELECT array_agg(e.sid) FROM ends e),
        (SELECT array_agg(d.jti) FROM dies d),
        jsonb_build_object(
            'sessions', (SELECT count(*) FROM (SELECT e.sid FROM ends e WHERE e.counts UNION SELECT d.sid FROM dies d) u),
            'records', (SELECT count(*) FROM dies),
            'notify_records', (SELECT count(*) FROM dies d WHERE d.notified),
            'notify_sessions', (SELECT count(DISTINCT d.sid) FROM dies d WHERE d.notified))
    INTO ending, doomed, counts;

    counts := counts || jsonb_build_object('epoch', new_epoch, 'pending', '[]'::jsonb, 'more', false);
    IF dry THEN
        RETURN counts;
    END IF;

    UPDATE authkernel.records r SET status = 1, status_at = moment, status_text = call->>'reason',
        notify_due = CASE WHEN told ? r.purpose THEN
            CASE WHEN r.sid = call->>'delay_sid' THEN (call->>'delay_due')::bigint ELSE moment END END
    WHERE r.tenant = of_tenant AND r.jti = ANY (doomed) AND r.status + 0 = 0;
    UPDATE authkernel.sessions s SET ended_at = moment, ended_reason = call->>'reason'
    WHERE s.tenant = of_tenant AND s.sid = ANY (ending) AND coalesce(s.ended_at, -1) = -1;
    FOR of_purpose IN SELECT jsonb_array_elements_text(call->'cut_offs') LOOP
        PERFORM authkernel.put_cut_off(jsonb_build_object('kind', 0, 'tenant', of_tenant, 'name', of_subject,
            'purpose', of_purpose, 'value', new_epoch, 'spared', nullif(kept, '[]'), 'forget_at', call->'forget_at'));
    END LOOP;
    RETURN counts || authkernel.pending(of_tenant, NULL, NULL, of_subject, moment, (call->>'limit')::bigint);
END
$$;

-- {tenant, jti, sid, subject, at, request, successors: [{record, session}]}: answers {won: epoch}, or
-- {record, session, newest}.
CREATE FUNCTION authkernel.consume(call JSONB) RETURNS JSONB LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    of_tenant TEXT := call->>'tenant';
    current_epoch BIGINT := authkernel.lock_subject(of_tenant, call->>'subject');
    used      authkernel.records;
    family    authkernel.sessions;
    newest    JSONB;
    successor JSONB;
BEGIN
    SELECT * INTO used FROM authkernel.records r WHERE r.tenant = of_tenant AND r.jti = call->>'jti';
    SELECT * INTO family FROM authkernel.sessions s WHERE s.tenant = of_tenant AND s.sid = call->>'sid';
    IF used.status = 0 AND used.sid = call->>'sid' AND used.subject = call->>'subject'
        AND family.sid IS NOT NULL AND family.ended_at IS NULL AND family.subject = call->>'subject' THEN
        UPDATE authkernel.records r SET status = 2, status_at = (call->>'at')::bigint, status_text = call->>'request',
            successors = nullif(ARRAY(SELECT s->'record'->>'jti' FROM jsonb_array_elements(call->'successors') s), '{}')
        WHERE r.tenant = of_tenant AND r.jti = call->>'jti';
        FOR successor IN SELECT jsonb_array_elements(call->'successors') LOOP
            PERFORM authkernel.join_session(successor->'session');
            IF NOT authkernel.put_record(successor->'record', current_epoch) THEN
                RAISE EXCEPTION 'the jti of a successor is known' USING ERRCODE = 'AK001';
            END IF;
        END LOOP;
        RETURN jsonb_build_object('won', current_epoch);
    END IF;

    -- The newest live record of each purpose among the successors, and theirs.
    WITH RECURSIVE chain (jti) AS (
        SELECT unnest(used.successors)
        UNION
        SELECT unnest(r.successors) FROM chain c CROSS JOIN LATERAL (
            -- LIMIT: one by one, by its key; the planner is not to turn it round.
            SELECT * FROM authkernel.records n WHERE n.tenant = of_tenant AND n.jti = c.jti LIMIT 1) r
    ), best AS (
        SELECT DISTINCT ON (r.purpose) r.* FROM chain c CROSS JOIN LATERAL (
            SELECT * FROM authkernel.records n WHERE n.tenant = of_tenant AND n.jti = c.jti LIMIT 1) r
        WHERE r.status + 0 = 0 ORDER BY r.purpose, r.issued_at DESC, r.created_at DESC, r.jti DESC
    )
    SELECT jsonb_agg(to_jsonb(b)) INTO newest FROM best b;
    RETURN jsonb_build_object(
        'record', CASE WHEN used.jti IS NOT NULL THEN to_jsonb(used) END,
        'session', CASE WHEN family.sid IS NOT NULL THEN to_jsonb(family) END,
        'newest', coalesce(newest, '[]'));
END
$$;

-- [{tenant, sid, at}]: sessions whose row somebody holds are passed over, so that no note waits for a revocation.
CREATE FUNCTION authkernel.touch(call JSONB) RETURNS VOID LANGUAGE sql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH free AS (
        SELECT s.tenant, s.sid, n.at FROM jsonb_to_recordset(call) AS n (tenant TEXT, sid TEXT, at BIGINT)
        JOIN authkernel.sessions s ON s.tenant = n.tenant AND s.sid = n.sid
        WHERE s.last_seen < n.at AND coalesce(s.ended_at, -1) = -1 FOR UPDATE OF s SKIP LOCKED
    )
    UPDATE authkernel.sessions s SET last_seen = f.at FROM free f WHERE s.tenant = f.tenant AND s.sid = f.sid;
$$;

-- {at, lease_until, limit, tenant, subject}: answers the records that were claimed.
CREATE FUNCTION authkernel.undelivered(call JSONB) RETURNS JSONB LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    moment  BIGINT := (call->>'at')::bigint;
    claimed JSONB;
BEGIN
    IF call->>'subject' IS NULL THEN
        WITH free AS (
            SELECT r.tenant, r.jti FROM authkernel.records r WHERE r.notify_due <= moment AND r.leased_until <= moment
            ORDER BY r.notify_due, r.tenant, r.jti LIMIT (call->>'limit')::bigint FOR UPDATE SKIP LOCKED
        ), leased AS (
            UPDATE authkernel.records r SET leased_until = (call->>'lease_until')::bigint FROM free f
            WHERE r.tenant = f.tenant AND r.jti = f.jti RETURNING r.*
        )
        SELECT jsonb_agg(to_jsonb(l) - 'extra_data' ORDER BY l.notify_due, l.tenant, l.jti) INTO claimed FROM leased l;
    ELSE
        WITH free AS (
            SELECT r.tenant, r.jti FROM authkernel.records r
            WHERE r.tenant = call->>'tenant' AND r.subject = call->>'subject'
                AND r.notify_due <= moment AND r.leased_until <= moment
            ORDER BY r.notify_due, r.jti LIMIT (call->>'limit')::bigint FOR UPDATE SKIP LOCKED
        ), leased AS (
            UPDATE authkernel.records r SET leased_until = (call->>'lease_until')::bigint FROM free f
            WHERE r.tenant = f.tenant AND r.jti = f.jti RETURNING r.*
        )
        SELECT jsonb_agg(to_jsonb(l) - 'extra_data' ORDER BY l.notify_due, l.jti) INTO claimed FROM leased l;
    END IF;
    RETURN coalesce(claimed, '[]');
END
$$;

-- [{tenant, jti}]: rows are taken in order, so that two calls with the same ones never wait for each other.
CREATE FUNCTION authkernel.delivered(call JSONB) RETURNS VOID LANGUAGE sql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH told AS (
        SELECT r.tenant, r.jti FROM jsonb_to_recordset(call) AS d (tenant TEXT, jti TEXT)
        JOIN authkernel.records r ON r.tenant = d.tenant AND r.jti = d.jti
        WHERE coalesce(r.notify_due, -1) >= 0 ORDER BY r.tenant, r.jti FOR UPDATE OF r
    )
    UPDATE authkernel.records r SET notify_due = NULL FROM told t WHERE r.tenant = t.tenant AND r.jti = t.jti;
$$;

-- {before, limit}: answers {records, sessions, cut_offs, more}.
CREATE FUNCTION authkernel.delete_expired(call JSONB) RETURNS JSONB LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    moment    BIGINT := (call->>'before')::bigint;
    most      BIGINT := (call->>'limit')::bigint;
    records_  BIGINT;
    sessions_ BIGINT;
    cut_offs_ BIGINT;
BEGIN
    WITH old AS (
        SELECT r.tenant, r.jti FROM authkernel.records r WHERE r.expires_at < moment
        ORDER BY r.expires_at LIMIT most FOR UPDATE SKIP LOCKED
    )
    DELETE FROM authkernel.records r USING old o WHERE r.tenant = o.tenant AND r.jti = o.jti;
    GET DIAGNOSTICS records_ = ROW_COUNT;
    WITH old AS (
        SELECT s.tenant, s.sid FROM authkernel.sessions s WHERE s.ends_at < moment
        ORDER BY s.ends_at LIMIT most FOR UPDATE SKIP LOCKED
    )
    DELETE FROM authkernel.sessions s USING old o WHERE s.tenant = o.tenant AND s.sid = o.sid;
    GET DIAGNOSTICS sessions_ = ROW_COUNT;
    WITH old AS (
        SELECT c.kind, c.tenant, c.name, c.purpose FROM authkernel.cut_offs c WHERE c.forget_at < moment
        ORDER BY c.forget_at LIMIT most FOR UPDATE SKIP LOCKED
    )
    DELETE FROM authkernel.cut_offs c USING old o
    WHERE c.kind = o.kind AND c.tenant = o.tenant AND c.name = o.name AND c.purpose = o.purpose;
    GET DIAGNOSTICS cut_offs_ = ROW_COUNT;
    RETURN jsonb_build_object('records', records_, 'sessions', sessions_, 'cut_offs', cut_offs_, 'more',
        EXISTS (SELECT 1 FROM authkernel.records r WHERE r.expires_at < moment)
        OR EXISTS (SELECT 1 FROM authkernel.sessions s WHERE s.ends_at < moment)
        OR EXISTS (SELECT 1 FROM authkernel.cut_offs c WHERE c.forget_at < moment));
END
$$;
`,
  // 004_look_ups.sql
  `-- The storage calls that read. They are STABLE: each reads one snapshot, taken when the calling statement begins.

-- Everything that concerns one token; an absent field is NULL, which equals nothing: {record, session, epoch, cut_offs}.
CREATE FUNCTION authkernel.find(of_tenant TEXT, of_jti TEXT, of_sid TEXT, of_subject TEXT, of_purpose TEXT, of_kid TEXT)
RETURNS JSON LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    RETURN json_build_object(
        'record', (SELECT row_to_json(r) FROM authkernel.records r WHERE r.tenant = of_tenant AND r.jti = of_jti),
        'session', (SELECT row_to_json(s) FROM authkernel.sessions s WHERE s.tenant = of_tenant AND s.sid = of_sid),
        'epoch', (SELECT u.epoch FROM authkernel.subjects u WHERE u.tenant = of_tenant AND u.subject = of_subject),
        'cut_offs', (SELECT json_agg(row_to_json(k)) FROM (
            SELECT c.* FROM authkernel.cut_offs c
            WHERE c.kind = 0 AND c.tenant = of_tenant AND c.name = of_subject AND c.purpose IN ('', of_purpose)
            UNION ALL
            SELECT c.* FROM authkernel.cut_offs c
            WHERE c.kind = 1 AND c.tenant = of_tenant AND c.name = '' AND c.purpose = ''
            UNION ALL
            SELECT c.* FROM authkernel.cut_offs c
            WHERE c.kind = 2 AND c.tenant = '' AND c.name = of_kid AND c.purpose = '') k));
END
$$;

-- [{tenant, jti, sid, subject, purpose, kid}]: answers what \`find\` does for each, in order.
CREATE FUNCTION authkernel.find_many(call JSONB) RETURNS JSON LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    RETURN (
        SELECT json_agg(authkernel.find(q->>'tenant', q->>'jti', q->>'sid', q->>'subject', q->>'purpose', q->>'kid') ORDER BY number)
        FROM jsonb_array_elements(call) WITH ORDINALITY AS queries (q, number));
END
$$;

-- {tenant, subject, at, with_record, after_created_at, after_sid, limit}: answers the live sessions after that place in
-- their order, one more than the limit if there are more.
CREATE FUNCTION authkernel.list(call JSONB) RETURNS JSON LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    moment    BIGINT := (call->>'at')::bigint;
    -- The first page begins before every session: no creation time is later, no sid sorts before ''.
    created   BIGINT := coalesce((call->>'after_created_at')::bigint, 9223372036854775807);
    after_sid TEXT := coalesce(call->>'after_sid', '');
BEGIN
    RETURN (
        SELECT json_agg(row_to_json(p)) FROM (
            SELECT s.* FROM authkernel.sessions s
            WHERE s.tenant = call->>'tenant' AND s.subject = call->>'subject' AND s.ended_at IS NULL AND s.ends_at > moment
                AND s.created_at <= created AND (s.created_at < created OR s.sid > after_sid)
                AND (NOT (call->>'with_record')::boolean OR coalesce((
                    SELECT true FROM authkernel.records r
                    WHERE r.tenant = s.tenant AND r.sid = s.sid AND r.status + 0 = 0
                        AND r.expires_at + 0 > moment LIMIT 1), false))
            ORDER BY s.created_at DESC, s.sid LIMIT (call->>'limit')::bigint + 1) p);
END
$$;
`,
];
