-- The storage calls that write, one function each: one round trip, and no lock is held while a client thinks.
--
-- Writes for one subject are serialised: each function takes the subject's row first and reads only then. In a function
-- of PL/pgSQL every statement sees what was committed before it began, if the transaction is at READ COMMITTED; at
-- REPEATABLE READ it would see what stood before it waited for the row, and leave a rotated token alive. So any other
-- level is refused (AK004).
--
-- A function is planned when the tables are still empty, and keeps its plan while they grow. So plans that read whole
-- tables are out of the question from the beginning (enable_seqscan, enable_hashjoin, enable_mergejoin), and so are
-- partial indexes that serve other questions: `status + 0 = 0` and `coalesce(ended_at, -1) = -1` mean `status = 0` and
-- `ended_at IS NULL`, but no index's predicate follows from them.
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
