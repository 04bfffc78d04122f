-- How claims end.

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
