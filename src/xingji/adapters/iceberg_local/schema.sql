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

-- `survivor`: the user to whom this name leads for good; compaction did so before rows bore their own user.
CREATE TABLE IF NOT EXISTS lake_user (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    survivor INTEGER
);
CREATE INDEX IF NOT EXISTS lake_user_survivor ON lake_user (survivor) WHERE survivor IS NOT NULL;

-- Who was merged into whom, in the versions from `since` on, up to (not including) `until`.
CREATE TABLE IF NOT EXISTS lake_merge (
    user INTEGER NOT NULL,
    survivor INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    PRIMARY KEY (user, since)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lake_merge_survivor ON lake_merge (survivor) WHERE until IS NULL;
CREATE INDEX IF NOT EXISTS lake_merge_until ON lake_merge (until) WHERE until IS NOT NULL;

-- Of which users rows may be stored under which others.
CREATE TABLE IF NOT EXISTS lake_lodging (
    user INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (user, place)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lake_lodging_place ON lake_lodging (place);
