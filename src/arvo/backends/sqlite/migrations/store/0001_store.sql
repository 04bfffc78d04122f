-- Times are seconds since 1970 in UTC: SELECT datetime(due_at, 'unixepoch') FROM arvo_lanes.
-- Events and records are the JSON text that was handed in: SELECT event ->> 'type' FROM arvo_deliveries.
-- `lane` is a digest of handler and subject, `key` one of lane and event id: both have no size of their own.

-- Only lanes that have deliveries. due_at is when the lane can be claimed next; for a leased one, the lease's end.
CREATE TABLE arvo_lanes (
    lane BLOB PRIMARY KEY NOT NULL,
    handler TEXT NOT NULL,
    priority INTEGER NOT NULL,
    due_at REAL NOT NULL,
    owner TEXT,
    token INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT
) WITHOUT ROWID;

CREATE INDEX arvo_lanes_due ON arvo_lanes (handler, priority DESC, due_at);

-- What has arrived and is not consumed; the number is the order of arrival.
CREATE TABLE arvo_deliveries (
    number INTEGER PRIMARY KEY,
    lane BLOB NOT NULL,
    key BLOB NOT NULL UNIQUE,
    event TEXT NOT NULL,
    arrived_at REAL NOT NULL
);

CREATE INDEX arvo_deliveries_lane ON arvo_deliveries (lane);

-- What will arrive later.
CREATE TABLE arvo_timers (
    key BLOB PRIMARY KEY NOT NULL,
    lane BLOB NOT NULL,
    handler TEXT NOT NULL,
    priority INTEGER NOT NULL,
    due_at REAL NOT NULL,
    event TEXT NOT NULL
);

CREATE INDEX arvo_timers_due ON arvo_timers (due_at);
CREATE INDEX arvo_timers_lane ON arvo_timers (lane);

-- What must not be taken in again. Pruned by age.
CREATE TABLE arvo_consumed (
    key BLOB PRIMARY KEY NOT NULL,
    at REAL NOT NULL
) WITHOUT ROWID;

CREATE INDEX arvo_consumed_at ON arvo_consumed (at);

CREATE TABLE arvo_workflows (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    lane BLOB NOT NULL UNIQUE,
    handler TEXT NOT NULL,
    subject TEXT NOT NULL,
    parent BLOB,
    status TEXT NOT NULL,
    record TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL
);

CREATE INDEX arvo_workflows_status ON arvo_workflows (status);
CREATE INDEX arvo_workflows_handler ON arvo_workflows (handler);
CREATE INDEX arvo_workflows_parent ON arvo_workflows (parent) WHERE parent IS NOT NULL;
CREATE INDEX arvo_workflows_ended ON arvo_workflows (updated_at) WHERE status <> 'active';

CREATE TABLE arvo_dead_letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    handler TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event TEXT NOT NULL,
    reason TEXT NOT NULL,
    error TEXT NOT NULL,
    traceback TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    at REAL NOT NULL
);

CREATE INDEX arvo_dead_letters_handler ON arvo_dead_letters (handler);

-- Events for domains without a sink, until somebody answers them.
CREATE TABLE arvo_waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    domain TEXT NOT NULL,
    event TEXT NOT NULL,
    since REAL NOT NULL
);

CREATE INDEX arvo_waiting_domain ON arvo_waiting (domain);

CREATE TABLE arvo_workers (
    id TEXT PRIMARY KEY NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process_key TEXT NOT NULL,
    handlers TEXT NOT NULL,
    started_at REAL NOT NULL,
    seen_at REAL NOT NULL
);
