-- What a tenant's limits on calls to the outside have counted, as JSON: a restart gives nobody a day's spend anew.
CREATE TABLE counted (
    tenant INTEGER PRIMARY KEY REFERENCES tenant (id) ON DELETE CASCADE,
    state TEXT NOT NULL
) STRICT;
