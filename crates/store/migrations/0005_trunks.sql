-- Ways to carriers. `draft` is the JSON of what was written down; the password is sealed under the row's identity.
CREATE TABLE trunk (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    draft TEXT NOT NULL,
    secret BLOB,
    UNIQUE (tenant, name)
) STRICT;
