-- One call of the port is one call of a function here: one round trip, and each statement in it sees what was committed
-- before that statement began. So the rule throughout is: lock the lanes first, then look at what is in them.
-- Locks on lanes are taken in the order of their ids, or not waited for at all, so that no two calls can deadlock.

CREATE TYPE incoming AS (
    key uuid, lane uuid, handler text, priority smallint, delay interval, due_at timestamptz, event text, by_lane uuid
);
CREATE TYPE completion AS (
    lane uuid, handler text, token bigint, revision bigint, progress boolean, hold boolean, retry interval, error text
);
CREATE TYPE consumption AS (lane uuid, number bigint, key uuid);
CREATE TYPE record_write AS (lane uuid, handler text, subject text, parent uuid, status text, record text);
CREATE TYPE waiting_write AS (by_lane uuid, key uuid, event_id text, domain text, event text);
CREATE TYPE letter AS (
    by_lane uuid, handler text, event_id text, event text, reason text, error text, traceback text, attempts integer
);
CREATE TYPE cancellation AS (by_lane uuid, key uuid);

-- Lock every lane that deliveries go to or completions are about, making those that are missing; return the ones made.
CREATE FUNCTION lock_lanes(arriving incoming[], completions completion[], now_ timestamptz) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
    made uuid[];
BEGIN
    WITH inserted AS (
        INSERT INTO lanes (lane, handler, priority, due_at)
        SELECT wanted.lane, min(wanted.handler), max(wanted.priority), now_
        FROM (
            SELECT a.lane, a.handler, a.priority FROM unnest(arriving) AS a
            WHERE a.delay IS NULL AND a.due_at IS NULL
            UNION ALL
            SELECT c.lane, c.handler, -32768 FROM unnest(completions) AS c
        ) AS wanted
        GROUP BY wanted.lane ORDER BY wanted.lane
        -- Locks the row also where it changes nothing.
        ON CONFLICT (lane) DO UPDATE SET priority = excluded.priority WHERE lanes.priority < excluded.priority
        RETURNING lane
    )
    SELECT coalesce(array_agg(inserted.lane), '{}') INTO made FROM inserted;
    RETURN made;
END $$;

-- Store deliveries, whose lanes are locked, and timers; return the keys of those that were no duplicates.
CREATE FUNCTION take_in(arriving incoming[], now_ timestamptz) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
    arrived uuid[];
    timed uuid[];
BEGIN
    WITH inserted AS (
        INSERT INTO deliveries (lane, key, event, arrived_at)
        SELECT a.lane, a.key, a.event, now_
        FROM unnest(arriving) WITH ORDINALITY AS a (key, lane, handler, priority, delay, due_at, event, by_lane, place)
        WHERE a.delay IS NULL AND a.due_at IS NULL AND NOT EXISTS (SELECT FROM consumed WHERE consumed.key = a.key)
        ORDER BY a.place
        ON CONFLICT (key) DO NOTHING
        RETURNING key
    )
    SELECT coalesce(array_agg(inserted.key), '{}') INTO arrived FROM inserted;
    IF cardinality(arrived) = cardinality(arriving) THEN
        RETURN arrived;
    END IF;
    WITH inserted AS (
        INSERT INTO timers (key, lane, handler, priority, due_at, event)
        SELECT a.key, a.lane, a.handler, a.priority, coalesce(a.due_at, now_ + a.delay), a.event
        FROM unnest(arriving) AS a
        WHERE a.delay IS NOT NULL OR a.due_at IS NOT NULL
        ON CONFLICT (key) DO NOTHING
        RETURNING key
    )
    SELECT coalesce(array_agg(inserted.key), '{}') INTO timed FROM inserted;
    RETURN arrived || timed;
END $$;

-- Remove lanes that turned out to have nothing in them.
CREATE FUNCTION sweep(candidates uuid[]) RETURNS void
LANGUAGE sql AS $$
    DELETE FROM lanes WHERE lane = ANY (candidates) AND NOT EXISTS (SELECT FROM deliveries WHERE lane = lanes.lane)
$$;

CREATE FUNCTION publish(arriving incoming[], once uuid) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz := store_now();
    made uuid[];
    new uuid[];
BEGIN
    IF once IS NOT NULL THEN
        INSERT INTO consumed (key, at)
        SELECT once, greatest(now_, max(coalesce(a.due_at, now_ + a.delay))) FROM unnest(arriving) AS a
        ON CONFLICT (key) DO NOTHING;
        IF NOT FOUND THEN
            RETURN '{}';
        END IF;
    END IF;
    made := lock_lanes(arriving, '{}', now_);
    new := take_in(arriving, now_);
    IF cardinality(new) < cardinality(arriving) THEN
        PERFORM sweep(made);
    END IF;
    RETURN new;
END $$;

-- Let timers that are due arrive, those that nobody else is just handling.
CREATE FUNCTION ring_timers(now_ timestamptz, at_most integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    rung incoming[];
BEGIN
    WITH due AS (
        DELETE FROM timers WHERE key IN (
            SELECT key FROM timers WHERE due_at <= now_ ORDER BY due_at LIMIT at_most FOR UPDATE SKIP LOCKED
        )
        RETURNING key, lane, handler, priority, due_at, event
    )
    SELECT array_agg(
        ROW (due.key, due.lane, due.handler, due.priority, NULL, NULL, due.event, NULL)::incoming ORDER BY due.due_at
    ) INTO rung FROM due;
    IF rung IS NOT NULL THEN
        PERFORM publish(rung, NULL);
    END IF;
END $$;

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

-- Carry out completions; return what became of each, in the order given.
CREATE FUNCTION finish(
    completions completion[], consumption_ consumption[], records record_write[], produced incoming[],
    waits waiting_write[], letters letter[], cancelled cancellation[]
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
    END IF;

    IF cardinality(consumption_) > 0 THEN
        DELETE FROM deliveries AS d USING unnest(consumption_) AS c WHERE d.lane = c.lane AND d.number = c.number;
        GET DIAGNOSTICS counted = ROW_COUNT;
        IF counted <> cardinality(consumption_) THEN
            RAISE EXCEPTION '% of % deliveries that were finished are no longer in the store',
                cardinality(consumption_) - counted, cardinality(consumption_) USING ERRCODE = 'data_corrupted';
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

CREATE FUNCTION write_records(records record_write[], now_ timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO workflows AS w (lane, handler, subject, parent, status, record, revision, created_at, updated_at)
    SELECT r.lane, r.handler, r.subject, r.parent, r.status, r.record, 1, now_, now_ FROM unnest(records) AS r
    ON CONFLICT (lane) DO UPDATE SET
        parent = excluded.parent, status = excluded.status, record = excluded.record,
        revision = w.revision + 1, updated_at = excluded.updated_at
$$;

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

-- When the next lane or timer of the handlers is due, as seconds from now; NULL when there is none.
CREATE FUNCTION next_due(handlers text[]) RETURNS double precision
LANGUAGE sql AS $$
    WITH RECURSIVE priorities AS (
        SELECT h.handler, (SELECT max(l.priority) FROM lanes AS l WHERE l.handler = h.handler) AS priority
        FROM unnest(handlers) AS h (handler)
        UNION ALL
        SELECT p.handler,
            (SELECT max(l.priority) FROM lanes AS l WHERE l.handler = p.handler AND l.priority < p.priority)
        FROM priorities AS p WHERE p.priority IS NOT NULL
    ), moments AS (
        SELECT (
            SELECT min(l.due_at) FROM lanes AS l WHERE l.handler = p.handler AND l.priority = p.priority
        ) AS due_at
        FROM priorities AS p
        UNION ALL
        -- Timers of all handlers: one that is due wakes a worker, which lets it arrive for whoever it is for.
        SELECT min(timers.due_at) FROM timers
    )
    SELECT extract(epoch FROM min(moments.due_at) - store_now())::double precision FROM moments
$$;

CREATE FUNCTION amend(amended record_write, expected bigint, drop_pending boolean, produced incoming[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz := store_now();
    -- Its own lane is locked like that of a completion.
    own completion := ROW (amended.lane, amended.handler, NULL, NULL, NULL, NULL, NULL, NULL);
    made uuid[] := lock_lanes(produced, ARRAY [own], now_);
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
    PERFORM sweep(made || amended.lane);
    RETURN true;
END $$;

CREATE FUNCTION answer(answered uuid, produced incoming[]) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM waiting WHERE key = answered;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM publish(produced, NULL);
    RETURN true;
END $$;

-- Deliver dead letters again, those that are still there; return how many. Letters and deliveries go in pairs.
CREATE FUNCTION replay(letter_numbers bigint[], deliveries_ incoming[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz := store_now();
    removed bigint[];
    again incoming[];
    made uuid[];
BEGIN
    PERFORM FROM dead_letters WHERE number = ANY (letter_numbers) ORDER BY number FOR UPDATE;
    WITH gone AS (DELETE FROM dead_letters WHERE number = ANY (letter_numbers) RETURNING number)
    SELECT coalesce(array_agg(gone.number), '{}') INTO removed FROM gone;
    SELECT coalesce(array_agg(deliveries_[place] ORDER BY place), '{}') INTO again
    FROM generate_subscripts(letter_numbers, 1) AS place WHERE letter_numbers[place] = ANY (removed);
    made := lock_lanes(again, '{}', now_);
    DELETE FROM consumed WHERE key IN (SELECT a.key FROM unnest(again) AS a);
    PERFORM take_in(again, now_);
    PERFORM sweep(made);
    RETURN cardinality(removed);
END $$;
