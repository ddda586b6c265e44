-- Price lists, one a tenant. A new one has a new id, so that whoever has read one knows that it has not changed.
CREATE TABLE rates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL UNIQUE REFERENCES tenant (id) ON DELETE CASCADE,
    currency TEXT NOT NULL,
    rows INTEGER NOT NULL,
    -- Where it came from: the name of a file.
    source TEXT NOT NULL,
    set_ms INTEGER NOT NULL,
    -- JSON, rows in the order of the table.
    list TEXT NOT NULL
) STRICT;
