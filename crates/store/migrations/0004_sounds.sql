-- Sounds that tenants brought: Ogg-Opus. None is ever changed: what takes its place has another id, so that whatever was decoded
-- of it stays true. One that no name leads to any more stays for a day, for calls that began before.
CREATE TABLE sound (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    -- 'prompt' or 'music'.
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    -- '' = whatever language is spoken.
    language TEXT NOT NULL,
    ms INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    -- Where it came from: the name of a file, or the engine that spoke it.
    source TEXT NOT NULL,
    -- What was spoken.
    text TEXT,
    set_ms INTEGER NOT NULL,
    gone_ms INTEGER,
    audio BLOB NOT NULL
) STRICT;
CREATE INDEX sound_tenant ON sound (tenant, kind, name);
CREATE UNIQUE INDEX sound_prompt ON sound (tenant, name, language) WHERE kind = 'prompt' AND gone_ms IS NULL;
