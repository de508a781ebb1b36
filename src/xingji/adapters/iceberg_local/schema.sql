-- What a lake keeps beside Iceberg's own two tables. All of it changes in the transaction that moves the tables' pointers.

CREATE TABLE IF NOT EXISTS lake_setting (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
);

-- Which snapshots belong together; `manifest_lists` is a JSON object: table -> path of its list, or null.
CREATE TABLE IF NOT EXISTS lake_version (
    number INTEGER PRIMARY KEY,
    batch_id TEXT NOT NULL,
    manifest_lists TEXT NOT NULL,
    superseded_ms INTEGER,
    expired INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS lake_batch (
    batch_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS lake_event_name (
    code INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL
);

-- In order of first sight; `field_id` 0: kept in properties_json.
CREATE TABLE IF NOT EXISTS lake_property (
    place INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    field_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (subject, name, type)
);

-- `survivor`: the user to whom this name is bound for good, after compaction has moved the rows.
CREATE TABLE IF NOT EXISTS lake_user (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    survivor INTEGER
);
CREATE INDEX IF NOT EXISTS lake_user_survivor ON lake_user (survivor) WHERE survivor IS NOT NULL;
