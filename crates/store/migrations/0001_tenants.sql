-- Ids are never reused: they name tenants in tags, journals and call records that outlive the rows.

-- One row: rises with every change to anything that a running server reads.
CREATE TABLE change (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    counter INTEGER NOT NULL
) STRICT;
INSERT INTO change (one, counter) VALUES (1, 0);

CREATE TABLE tenant (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    enabled INTEGER NOT NULL DEFAULT 1,
    policy TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- Value of change.counter at the tenant's last change.
    changed INTEGER NOT NULL
) STRICT;
CREATE INDEX tenant_changed ON tenant (changed);

-- Deleted tenants, so that whoever asks for changes hears of them.
CREATE TABLE tenant_gone (
    id INTEGER PRIMARY KEY,
    changed INTEGER NOT NULL
) STRICT;
CREATE INDEX tenant_gone_changed ON tenant_gone (changed);

-- In canonical spelling. The lowest id of a tenant is its realm.
CREATE TABLE domain (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX domain_tenant ON domain (tenant);

CREATE TABLE user (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    extension TEXT NOT NULL,
    display TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    UNIQUE (tenant, extension)
) STRICT;

CREATE TABLE device (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    username TEXT NOT NULL,
    -- The password, sealed with the key file.
    secret BLOB NOT NULL,
    UNIQUE (tenant, username)
) STRICT;
CREATE INDEX device_user ON device (user);

-- One row: a known text sealed with the key file, so that a wrong key is noticed at the start.
CREATE TABLE key_check (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    sealed BLOB NOT NULL
) STRICT;

-- The tenant is not a foreign key: a record may arrive after its tenant was deleted.
CREATE TABLE cdr (
    id BLOB PRIMARY KEY,
    tenant INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    caller TEXT NOT NULL,
    callee TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX cdr_tenant_start ON cdr (tenant, start_ms);
