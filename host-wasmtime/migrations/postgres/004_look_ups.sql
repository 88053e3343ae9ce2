-- The storage calls that read. They are STABLE: each reads one snapshot, taken when the calling statement begins.

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

-- [{tenant, jti, sid, subject, purpose, kid}]: answers what `find` does for each, in order.
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
