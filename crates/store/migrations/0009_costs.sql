-- What carriers charge: price lists of trunks beside the tenants' own. One list a tenant whose trunk is none, and one a trunk.
CREATE TABLE price_list (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    trunk INTEGER UNIQUE REFERENCES trunk (id) ON DELETE CASCADE,
    currency TEXT NOT NULL,
    rows INTEGER NOT NULL,
    source TEXT NOT NULL,
    set_ms INTEGER NOT NULL,
    list TEXT NOT NULL
) STRICT;
INSERT INTO price_list (id, tenant, currency, rows, source, set_ms, list)
    SELECT id, tenant, currency, rows, source, set_ms, list FROM rates;
DROP TABLE rates;
ALTER TABLE price_list RENAME TO rates;
CREATE UNIQUE INDEX rates_of_tenant ON rates (tenant) WHERE trunk IS NULL;
