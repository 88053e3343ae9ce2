-- The other storage calls that write; see 002.

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
