-- How lanes are claimed, kept and handed back.

CREATE FUNCTION claim(
    worker text, handlers text[], limits integer[], at_most integer, deliveries_per_lane integer, lease interval,
    new_token bigint
) RETURNS TABLE (
    lane uuid, handler text, attempts integer, leased_until timestamptz, revision bigint, record text,
    numbers bigint[], keys uuid[], events text[], arrivals timestamptz[]
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    now_ timestamptz := store_now();
    taken uuid[];
BEGIN
    IF EXISTS (SELECT FROM timers WHERE due_at <= now_) THEN
        PERFORM ring_timers(now_, 1000);
        now_ := store_now();
    END IF;
    -- Priority by priority, so that lanes which are not due are never looked at, however many there are. More
    -- candidates than wanted, because others may be taking the first of them.
    WITH RECURSIVE priorities AS (
        SELECT h.handler, least(h.lanes, at_most) AS lanes,
            (SELECT max(l.priority) FROM lanes AS l WHERE l.handler = h.handler) AS priority
        FROM unnest(handlers, limits) AS h (handler, lanes)
        UNION ALL
        SELECT p.handler, p.lanes,
            (SELECT max(l.priority) FROM lanes AS l WHERE l.handler = p.handler AND l.priority < p.priority)
        FROM priorities AS p WHERE p.priority IS NOT NULL
    ), candidates AS MATERIALIZED (
        SELECT c.lane, c.priority, c.due_at,
            row_number() OVER (PARTITION BY p.handler ORDER BY c.priority DESC, c.due_at) AS place, p.lanes
        FROM priorities AS p CROSS JOIN LATERAL (
            SELECT l.lane, l.priority, l.due_at FROM lanes AS l
            WHERE l.handler = p.handler AND l.priority = p.priority AND l.due_at <= now_
            ORDER BY l.due_at LIMIT p.lanes
        ) AS c
    ), locked AS (
        SELECT l.lane FROM candidates AS c JOIN lanes AS l ON l.lane = c.lane
        WHERE c.place <= c.lanes AND l.due_at <= now_
        ORDER BY c.priority DESC, c.due_at LIMIT at_most FOR UPDATE OF l SKIP LOCKED
    ), leased AS (
        UPDATE lanes AS l
        SET owner = worker, token = new_token, due_at = now_ + lease, attempts = l.attempts + 1
        FROM locked WHERE l.lane = locked.lane
        RETURNING l.lane
    )
    SELECT array_agg(leased.lane) INTO taken FROM leased;
    IF taken IS NULL THEN
        RETURN;
    END IF;
    -- A statement of its own: what others did in these lanes just before they were locked must be seen.
    RETURN QUERY
    SELECT l.lane, l.handler, l.attempts, l.due_at, coalesce(w.revision, 0), w.record,
        d.numbers, d.keys, d.events, d.arrivals
    FROM lanes AS l LEFT JOIN workflows AS w ON w.lane = l.lane CROSS JOIN LATERAL (
        SELECT array_agg(h.number ORDER BY h.number) AS numbers, array_agg(h.key ORDER BY h.number) AS keys,
            array_agg(h.event ORDER BY h.number) AS events, array_agg(h.arrived_at ORDER BY h.number) AS arrivals
        FROM (
            SELECT * FROM deliveries WHERE deliveries.lane = l.lane ORDER BY deliveries.number
            LIMIT CASE WHEN l.attempts = 1 THEN deliveries_per_lane ELSE 1 END
        ) AS h
    ) AS d
    WHERE l.lane = ANY (taken)
    ORDER BY l.priority DESC, d.numbers[1];
END $$;

-- Undo a claim whose answer was lost.
CREATE FUNCTION unclaim(lost_token bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM lanes WHERE token = lost_token ORDER BY lane FOR UPDATE;
    UPDATE lanes SET owner = NULL, token = NULL, due_at = store_now(), attempts = greatest(attempts - 1, 0)
    WHERE token = lost_token;
END $$;

-- Prolong leases; return the lanes whose claims are still valid.
CREATE FUNCTION renew(claimed uuid[], tokens bigint[], lease interval) RETURNS SETOF uuid
LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz := store_now() + lease;
BEGIN
    PERFORM FROM lanes WHERE lane = ANY (claimed) ORDER BY lane FOR UPDATE;
    RETURN QUERY
    UPDATE lanes AS l SET due_at = until FROM unnest(claimed, tokens) AS c (lane, token)
    WHERE l.lane = c.lane AND l.token = c.token
    RETURNING l.lane;
END $$;

CREATE FUNCTION release(claimed uuid[], tokens bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM lanes WHERE lane = ANY (claimed) ORDER BY lane FOR UPDATE;
    UPDATE lanes AS l SET owner = NULL, token = NULL, due_at = store_now(), attempts = greatest(l.attempts - 1, 0)
    FROM unnest(claimed, tokens) AS c (lane, token)
    WHERE l.lane = c.lane AND l.token = c.token;
END $$;

-- Forget workers and free their lanes; return how many those were.
CREATE FUNCTION remove_workers(ids text[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    freed bigint;
BEGIN
    PERFORM FROM lanes WHERE owner = ANY (ids) ORDER BY lane FOR UPDATE;
    UPDATE lanes SET owner = NULL, token = NULL, due_at = store_now() WHERE owner = ANY (ids);
    GET DIAGNOSTICS freed = ROW_COUNT;
    DELETE FROM workers WHERE id = ANY (ids);
    RETURN freed;
END $$;
