-- Numbers of the public network and the tenants that they belong to: ranges, both ends included, as the digits of E.164. Those of
-- one tenant lie in one another or apart; those of two never meet.
CREATE TABLE number (
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    tenant INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    -- What is dialled within the tenant, and how many of the number's last digits stand behind it.
    leads_to TEXT NOT NULL,
    keep INTEGER NOT NULL,
    PRIMARY KEY (first, last)
) STRICT, WITHOUT ROWID;
CREATE INDEX number_tenant ON number (tenant);
