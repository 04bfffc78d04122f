-- What an operator changes.

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
