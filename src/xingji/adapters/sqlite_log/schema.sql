-- Every accepted batch, in the order in which it became durable. AUTOINCREMENT: an offset is never given twice,
-- though the entries before it are forgotten.

CREATE TABLE IF NOT EXISTS entry (
    "offset" INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    form TEXT NOT NULL,
    received_us INTEGER NOT NULL,
    n_events INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    plain_bytes INTEGER NOT NULL,
    is_packed INTEGER NOT NULL,
    body BLOB NOT NULL
);
