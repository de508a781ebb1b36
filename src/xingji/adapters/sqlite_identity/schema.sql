-- Which id belongs to which person. An id is `kind:value`.

CREATE TABLE IF NOT EXISTS node (
    name TEXT PRIMARY KEY,
    person INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS node_person ON node (person);

-- `exclusive`: a JSON object, kind -> value.
CREATE TABLE IF NOT EXISTS person (
    number INTEGER PRIMARY KEY,
    root TEXT NOT NULL,
    exclusive TEXT NOT NULL,
    strength INTEGER NOT NULL
);

-- What became of ids that came together, in the order of the log.
CREATE TABLE IF NOT EXISTS bind (
    number INTEGER PRIMARY KEY,
    "offset" INTEGER NOT NULL,
    "index" INTEGER NOT NULL,
    weaker TEXT NOT NULL,
    stronger TEXT NOT NULL,
    outcome TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS bind_weaker ON bind (weaker);
CREATE INDEX IF NOT EXISTS bind_stronger ON bind (stronger);

-- One row: the last lot, what it was answered, and the number of the next person.
CREATE TABLE IF NOT EXISTS standing (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    lot INTEGER NOT NULL,
    answer BLOB NOT NULL,
    next_number INTEGER NOT NULL
);
INSERT OR IGNORE INTO standing VALUES (1, 0, x'', 1);
