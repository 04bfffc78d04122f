-- Events and records are the JSON text that was handed in: SELECT event::json ->> 'type' FROM deliveries.
-- Text and not jsonb, because the order of keys belongs to a statechart's state.
-- `lane` is a digest of handler and subject, `key` one of lane and event id: both have no size of their own.

-- The store's one clock. Tests that need time to pass replace it.
CREATE FUNCTION store_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT clock_timestamp()';

-- Only lanes that have deliveries. due_at is when the lane can be claimed next; for a leased one, the lease's end.
-- Rows are narrow and short-lived, so dead ones are removed early and without pauses.
CREATE TABLE lanes (
    lane uuid PRIMARY KEY,
    handler text NOT NULL,
    priority smallint NOT NULL,
    due_at timestamptz NOT NULL,
    owner text,
    token bigint,
    attempts integer NOT NULL DEFAULT 0,
    error text
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX lanes_due ON lanes (handler, priority DESC, due_at);

-- What has arrived and is not consumed; the number is the order of arrival.
CREATE TABLE deliveries (
    lane uuid NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    key uuid NOT NULL UNIQUE,
    event text NOT NULL,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (lane, number)
) WITH (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);

-- What will arrive later.
CREATE TABLE timers (
    key uuid PRIMARY KEY,
    lane uuid NOT NULL,
    handler text NOT NULL,
    priority smallint NOT NULL,
    due_at timestamptz NOT NULL,
    event text NOT NULL
);

CREATE INDEX timers_due ON timers (due_at);
CREATE INDEX timers_lane ON timers (lane);

-- What must not be taken in again. Pruned by age.
CREATE TABLE consumed (
    key uuid PRIMARY KEY,
    at timestamptz NOT NULL
);

CREATE INDEX consumed_at ON consumed (at);

CREATE TABLE workflows (
    lane uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    handler text NOT NULL,
    subject text NOT NULL,
    parent uuid,
    status text NOT NULL,
    record text NOT NULL,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX workflows_status ON workflows (status, number);
CREATE INDEX workflows_handler ON workflows (handler, number);
CREATE INDEX workflows_parent ON workflows (parent, number) WHERE parent IS NOT NULL;
CREATE INDEX workflows_ended ON workflows (updated_at) WHERE status <> 'active';

CREATE TABLE dead_letters (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    handler text NOT NULL,
    event_id text NOT NULL,
    event text NOT NULL,
    reason text NOT NULL,
    error text NOT NULL,
    traceback text NOT NULL,
    attempts integer NOT NULL,
    at timestamptz NOT NULL
);

CREATE INDEX dead_letters_handler ON dead_letters (handler, number);

-- Events for domains without a sink, until somebody answers them. `key` is a digest of the event id.
CREATE TABLE waiting (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL UNIQUE,
    event_id text NOT NULL,
    domain text NOT NULL,
    event text NOT NULL,
    since timestamptz NOT NULL
);

CREATE INDEX waiting_domain ON waiting (domain, number);

CREATE TABLE workers (
    id text PRIMARY KEY,
    host text NOT NULL,
    pid integer NOT NULL,
    process_key text NOT NULL,
    handlers text[] NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
