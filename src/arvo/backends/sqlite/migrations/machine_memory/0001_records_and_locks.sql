-- TEXT keeps the members of a record in the order in which they were written.
CREATE TABLE machine_records (
    id TEXT PRIMARY KEY NOT NULL,
    data TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

-- Seconds since 1970: every process on the file must agree when a lock expires.
CREATE TABLE machine_locks (
    id TEXT PRIMARY KEY NOT NULL,
    holder TEXT NOT NULL,
    expires_at REAL NOT NULL
);
