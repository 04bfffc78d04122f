-- How events get into the store: deliveries into their lanes, timers until they are due.
--
-- One call of the port is one call of a function here or in the files after this: one round trip, and each statement in
-- it sees what was committed before that statement began. So the rule throughout is: lock the lanes first, then look at
-- what is in them. Locks on lanes are taken in the order of their ids, or not waited for at all, so that no two calls
-- can deadlock.

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
