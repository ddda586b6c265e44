-- Recordings that have ended; their sound is in files. The tenant is not a foreign key: a record may arrive after its tenant
-- was deleted. Numbers are eight octets: they use all 64 bits.
CREATE TABLE recording (
    tenant INTEGER NOT NULL,
    number BLOB NOT NULL,
    start_ms INTEGER NOT NULL,
    call BLOB,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, number)
) STRICT;
CREATE INDEX recording_tenant_start ON recording (tenant, start_ms);
CREATE INDEX recording_call ON recording (call);
