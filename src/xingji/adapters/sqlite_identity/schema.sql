-- The ids of one project. A node's name is packed (`packed.py`) and kept here once; everything else says its number.

CREATE TABLE IF NOT EXISTS node (
    number INTEGER PRIMARY KEY,
    name BLOB NOT NULL,
    root INTEGER
);

-- From the digest of a name to its node. `met`: numbers of stronger nodes that came with it in events, four bytes
-- each, little-endian; `acts`: how many acts it was the weaker side of.
CREATE TABLE IF NOT EXISTS id (
    digest BLOB PRIMARY KEY,
    number INTEGER NOT NULL,
    met BLOB,
    acts INTEGER NOT NULL
) WITHOUT ROWID;

-- Persons of more than one node, as MessagePack.
CREATE TABLE IF NOT EXISTS person (
    root INTEGER PRIMARY KEY,
    nodes BLOB NOT NULL
);

-- `number` begins with the weaker node's, so that its acts stand together. `said`: what is of commands only, as
-- JSON.
CREATE TABLE IF NOT EXISTS act (
    number INTEGER PRIMARY KEY,
    stronger INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    "index" INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    ground INTEGER,
    said TEXT
);
-- What is bound, or was so already, is found from its weaker node, which is the same person's.
CREATE INDEX IF NOT EXISTS act_apart ON act (stronger) WHERE outcome > 1;

CREATE TABLE IF NOT EXISTS denied (
    name TEXT PRIMARY KEY,
    "offset" INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL
);

-- One row.
CREATE TABLE IF NOT EXISTS standing (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    lot INTEGER NOT NULL,
    next_number INTEGER NOT NULL,
    rules BLOB NOT NULL,
    answer BLOB NOT NULL
);
INSERT OR IGNORE INTO standing VALUES (1, 0, 1, x'', x'');
