-- Callers that wait for answers, waiting events that handlers answer, and workflows that are tried again.

-- The JSON of the event on which a workflow failed, so that it can be delivered again; NULL unless it has failed.
ALTER TABLE workflows ADD COLUMN failed_on text;
ALTER TYPE record_write ADD ATTRIBUTE failed_on text;

CREATE OR REPLACE FUNCTION write_records(records record_write[], now_ timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO workflows AS w
        (lane, handler, subject, parent, status, record, failed_on, revision, created_at, updated_at)
    SELECT r.lane, r.handler, r.subject, r.parent, r.status, r.record, r.failed_on, 1, now_, now_
    FROM unnest(records) AS r
    ON CONFLICT (lane) DO UPDATE SET
        parent = excluded.parent, status = excluded.status, record = excluded.record,
        failed_on = excluded.failed_on, revision = w.revision + 1, updated_at = excluded.updated_at
$$;

-- Claims tell the priority of their lanes.
DROP FUNCTION claim(text, text[], integer[], integer, integer, interval, bigint);
CREATE FUNCTION claim(
    worker text, handlers text[], limits integer[], at_most integer, deliveries_per_lane integer, lease interval,
    new_token bigint
) RETURNS TABLE (
    lane uuid, handler text, priority smallint, attempts integer, leased_until timestamptz, revision bigint, record text,
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
    SELECT l.lane, l.handler, l.priority, l.attempts, l.due_at, coalesce(w.revision, 0), w.record,
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

-- Whether `collect` may find anything: all that most calls need to know.
CREATE FUNCTION is_collectable(wanted uuid) RETURNS boolean
LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM lanes WHERE lane = wanted AND (owner IS NULL OR due_at <= store_now()))
        OR EXISTS (SELECT FROM timers WHERE lane = wanted AND due_at <= store_now())
$$;

-- Take and consume what has arrived in a lane, unless it is leased.
CREATE FUNCTION collect(wanted uuid) RETURNS TABLE (number bigint, key uuid, event text, arrived_at timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    now_ timestamptz := store_now();
BEGIN
    IF EXISTS (SELECT FROM timers WHERE due_at <= now_) THEN
        PERFORM ring_timers(now_, 1000);
    END IF;
    -- Not waited for, since timers may have locked other lanes. Whoever asked will ask again.
    PERFORM FROM lanes WHERE lane = wanted AND (owner IS NULL OR due_at <= now_) FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH taken AS (
        DELETE FROM deliveries AS d WHERE d.lane = wanted RETURNING d.number, d.key, d.event, d.arrived_at
    ), remembered AS (
        INSERT INTO consumed (key, at) SELECT taken.key, now_ FROM taken
        ON CONFLICT (key) DO UPDATE SET at = excluded.at
    )
    SELECT taken.number, taken.key, taken.event, taken.arrived_at FROM taken ORDER BY taken.number;
    DELETE FROM lanes WHERE lane = wanted;
END $$;

-- Carry out completions; return what became of each, in the order given.
DROP FUNCTION finish(
    completion[], consumption[], record_write[], incoming[], waiting_write[], letter[], cancellation[]
);
CREATE FUNCTION finish(
    completions completion[], consumption_ consumption[], records record_write[], produced incoming[],
    waits waiting_write[], letters letter[], cancelled cancellation[], answered cancellation[]
) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz := store_now();
    made uuid[] := lock_lanes(produced, completions, now_);
    owned uuid[];
    accepted uuid[];
    counted bigint;
BEGIN
    SELECT coalesce(array_agg(c.lane), '{}'),
        coalesce(array_agg(c.lane) FILTER (WHERE coalesce(w.revision, 0) = c.revision), '{}')
    INTO owned, accepted
    FROM unnest(completions) AS c JOIN lanes AS l ON l.lane = c.lane AND l.token = c.token
    LEFT JOIN workflows AS w ON w.lane = c.lane;
    IF cardinality(accepted) < cardinality(completions) THEN
        consumption_ := ARRAY (SELECT x FROM unnest(consumption_) AS x WHERE x.lane = ANY (accepted));
        records := ARRAY (SELECT x FROM unnest(records) AS x WHERE x.lane = ANY (accepted));
        produced := ARRAY (SELECT x FROM unnest(produced) AS x WHERE x.by_lane = ANY (accepted));
        waits := ARRAY (SELECT x FROM unnest(waits) AS x WHERE x.by_lane = ANY (accepted));
        letters := ARRAY (SELECT x FROM unnest(letters) AS x WHERE x.by_lane = ANY (accepted));
        cancelled := ARRAY (SELECT x FROM unnest(cancelled) AS x WHERE x.by_lane = ANY (accepted));
        answered := ARRAY (SELECT x FROM unnest(answered) AS x WHERE x.by_lane = ANY (accepted));
    END IF;

    IF cardinality(consumption_) > 0 THEN
        DELETE FROM deliveries AS d USING unnest(consumption_) AS c WHERE d.lane = c.lane AND d.number = c.number;
        GET DIAGNOSTICS counted = ROW_COUNT;
        IF counted <> cardinality(consumption_) THEN
            RAISE EXCEPTION '% of % deliveries that were finished are no longer in the store',
                cardinality(consumption_) - counted, cardinality(consumption_) USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        INSERT INTO consumed (key, at) SELECT c.key, now_ FROM unnest(consumption_) AS c
        ON CONFLICT (key) DO UPDATE SET at = excluded.at;
    END IF;
    IF cardinality(records) > 0 THEN
        PERFORM write_records(records, now_);
    END IF;
    IF cardinality(produced) > 0 THEN
        PERFORM take_in(produced, now_);
    END IF;
    IF cardinality(waits) > 0 THEN
        INSERT INTO waiting (key, event_id, domain, event, since)
        SELECT w.key, w.event_id, w.domain, w.event, now_
        FROM unnest(waits) WITH ORDINALITY AS w (by_lane, key, event_id, domain, event, place) ORDER BY w.place
        ON CONFLICT (key) DO NOTHING;
    END IF;
    IF cardinality(answered) > 0 THEN
        -- Whoever removes several locks them in the order of their keys.
        PERFORM FROM waiting WHERE key IN (SELECT a.key FROM unnest(answered) AS a) ORDER BY key FOR UPDATE;
        DELETE FROM waiting WHERE key IN (SELECT a.key FROM unnest(answered) AS a);
    END IF;
    IF cardinality(letters) > 0 THEN
        INSERT INTO dead_letters (handler, event_id, event, reason, error, traceback, attempts, at)
        SELECT x.handler, x.event_id, x.event, x.reason, x.error, x.traceback, x.attempts, now_
        FROM unnest(letters) WITH ORDINALITY
            AS x (by_lane, handler, event_id, event, reason, error, traceback, attempts, place)
        ORDER BY x.place;
    END IF;
    IF cardinality(cancelled) > 0 THEN
        -- One that somebody is just handling arrives.
        DELETE FROM timers WHERE key IN (
            SELECT t.key FROM timers AS t WHERE t.key IN (SELECT c.key FROM unnest(cancelled) AS c)
            FOR UPDATE SKIP LOCKED
        );
    END IF;

    PERFORM sweep(owned || made);
    UPDATE lanes AS l SET
        owner = CASE WHEN c.hold AND c.lane = ANY (accepted) THEN l.owner END,
        token = CASE WHEN c.hold AND c.lane = ANY (accepted) THEN l.token END,
        due_at = CASE
            WHEN c.lane <> ALL (accepted) THEN now_
            WHEN c.hold THEN l.due_at
            ELSE now_ + coalesce(c.retry, '0')
        END,
        attempts = CASE
            WHEN c.lane <> ALL (accepted) THEN greatest(l.attempts - 1, 0)
            WHEN c.hold OR c.retry IS NOT NULL THEN CASE WHEN c.progress THEN 1 ELSE l.attempts END
            WHEN c.progress THEN 0
            ELSE greatest(l.attempts - 1, 0)
        END,
        error = CASE
            WHEN c.lane <> ALL (accepted) THEN l.error
            WHEN c.retry IS NOT NULL THEN c.error
            WHEN NOT c.progress THEN l.error
        END
    FROM unnest(completions) AS c WHERE l.lane = c.lane AND l.token = c.token;
    RETURN ARRAY (
        SELECT CASE
            WHEN c.lane = ANY (accepted) THEN 'committed'
            WHEN c.lane = ANY (owned) THEN 'stale'
            ELSE 'fenced'
        END
        FROM unnest(completions) WITH ORDINALITY
            AS c (lane, handler, token, revision, progress, hold, retry, error, place)
        ORDER BY c.place
    );
END $$;

-- Lanes first, as in `finish`, so that the two cannot wait for one another.
CREATE OR REPLACE FUNCTION answer(answered uuid, produced incoming[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz := store_now();
    made uuid[] := lock_lanes(produced, '{}', now_);
    is_waiting boolean;
BEGIN
    DELETE FROM waiting WHERE key = answered;
    is_waiting := FOUND;
    IF is_waiting THEN
        PERFORM take_in(produced, now_);
    END IF;
    PERFORM sweep(made);
    RETURN is_waiting;
END $$;

DROP FUNCTION amend(record_write, bigint, boolean, incoming[]);
CREATE FUNCTION amend(
    amended record_write, expected bigint, drop_pending boolean, produced incoming[], redelivered incoming[]
) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz := store_now();
    -- Its own lane is locked like that of a completion.
    own completion := ROW (amended.lane, amended.handler, NULL, NULL, NULL, NULL, NULL, NULL);
    made uuid[] := lock_lanes(produced || redelivered, ARRAY [own], now_);
    found_revision bigint;
BEGIN
    SELECT w.revision INTO found_revision FROM workflows AS w WHERE w.lane = amended.lane;
    IF coalesce(found_revision, 0) <> expected THEN
        PERFORM sweep(made);
        RETURN false;
    END IF;
    IF drop_pending THEN
        DELETE FROM deliveries WHERE lane = amended.lane;
        DELETE FROM timers WHERE lane = amended.lane;
        UPDATE lanes SET owner = NULL, token = NULL, due_at = now_, attempts = 0, error = NULL
        WHERE lane = amended.lane;
    END IF;
    PERFORM write_records(ARRAY [amended], now_);
    PERFORM take_in(produced, now_);
    DELETE FROM consumed WHERE key IN (SELECT r.key FROM unnest(redelivered) AS r);
    PERFORM take_in(redelivered, now_);
    PERFORM sweep(made || amended.lane);
    RETURN true;
END $$;

-- Consume what arrived before a moment in the next lanes of a handler, except where somebody works on it; return how
-- much that was, and the last of the lanes if there may be more.
CREATE FUNCTION drop_unclaimed(
    for_handler text, before timestamptz, after_lane uuid, at_most integer, OUT dropped bigint, OUT last uuid
)
LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz := store_now();
    taken uuid[];
BEGIN
    SELECT coalesce(array_agg(l.lane ORDER BY l.lane), '{}') INTO taken FROM (
        SELECT lanes.lane FROM lanes
        WHERE handler = for_handler AND (after_lane IS NULL OR lanes.lane > after_lane)
            AND (owner IS NULL OR due_at <= now_)
            AND EXISTS (SELECT FROM deliveries AS d WHERE d.lane = lanes.lane AND d.arrived_at <= before)
        ORDER BY lanes.lane LIMIT at_most FOR UPDATE SKIP LOCKED
    ) AS l;
    last := taken[at_most];
    WITH gone AS (
        DELETE FROM deliveries AS d WHERE d.lane = ANY (taken) AND d.arrived_at <= before RETURNING d.lane, d.key
    ), remembered AS (
        INSERT INTO consumed (key, at) SELECT gone.key, now_ FROM gone
        ON CONFLICT (key) DO UPDATE SET at = excluded.at
    )
    SELECT count(*), array_agg(DISTINCT gone.lane) INTO dropped, taken FROM gone;
    PERFORM sweep(taken);
    UPDATE lanes SET owner = NULL, token = NULL, due_at = now_, attempts = 0, error = NULL WHERE lane = ANY (taken);
END $$;
