-- How a worker goes on with what it has produced: its claims end and others begin in one transaction.

-- Carry out completions as `finish` does, then lease those of the wanted lanes that are due. The first row holds what
-- became of the completions, and whether somebody else may find work in the lanes they touched; the others are claims.
CREATE FUNCTION finish_and_claim(
    completions completion[], consumption_ consumption[], records record_write[], produced incoming[],
    waits waiting_write[], letters letter[], cancelled cancellation[], answered cancellation[],
    wanted uuid[], worker text, deliveries_per_lane integer, lease interval, new_token bigint
) RETURNS TABLE (
    outcomes text[], leaves_work boolean, lane uuid, handler text, priority smallint, attempts integer, leased_until timestamptz,
    revision bigint, record text, numbers bigint[], keys uuid[], events text[], arrivals timestamptz[]
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    now_ timestamptz;
    taken uuid[];
BEGIN
    outcomes := finish(completions, consumption_, records, produced, waits, letters, cancelled, answered);
    now_ := store_now();
    -- Those that the completions produced for are locked already. Nobody waits for the others.
    WITH locked AS (
        SELECT l.lane FROM lanes AS l WHERE l.lane = ANY (wanted) AND l.due_at <= now_
        FOR UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE lanes AS l
        SET owner = worker, token = new_token, due_at = now_ + lease, attempts = l.attempts + 1
        FROM locked WHERE l.lane = locked.lane
        RETURNING l.lane
    )
    SELECT array_agg(leased.lane) INTO taken FROM leased;
    leaves_work := EXISTS (
        SELECT FROM lanes AS l WHERE l.owner IS NULL AND l.due_at <= now_ AND l.lane = ANY (ARRAY (
            SELECT c.lane FROM unnest(completions) AS c UNION ALL SELECT p.lane FROM unnest(produced) AS p
        ))
    );
    RETURN NEXT;
    RETURN QUERY
    SELECT NULL::text[], NULL::boolean, l.lane, l.handler, l.priority, l.attempts, l.due_at, coalesce(w.revision, 0), w.record,
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
