-- When a workflow ended, NULL while it is active. An index of updated_at, which every write changes, made each write of
-- a record one in all indexes of the table.
ALTER TABLE workflows ADD COLUMN ended_at timestamptz;
UPDATE workflows SET ended_at = updated_at WHERE status <> 'active';
DROP INDEX workflows_ended;
CREATE INDEX workflows_ended ON workflows (ended_at) WHERE ended_at IS NOT NULL;

CREATE OR REPLACE FUNCTION write_records(records record_write[], now_ timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO workflows AS w
        (lane, handler, subject, parent, status, record, failed_on, revision, created_at, updated_at, ended_at)
    SELECT r.lane, r.handler, r.subject, r.parent, r.status, r.record, r.failed_on, 1, now_, now_,
        CASE WHEN r.status <> 'active' THEN now_ END
    FROM unnest(records) AS r
    ON CONFLICT (lane) DO UPDATE SET
        parent = excluded.parent, status = excluded.status, record = excluded.record,
        failed_on = excluded.failed_on, revision = w.revision + 1, updated_at = excluded.updated_at,
        ended_at = excluded.ended_at;
END $$;
