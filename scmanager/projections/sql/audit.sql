-- The audit trail: one row an entry, void ones too. Columns stand by width, widest first, so that rows stay small.
CREATE TABLE {schema}.audit (
    pos     bigint NOT NULL,
    seq     bigint NOT NULL,
    hlc     bigint NOT NULL,    -- microseconds since 1970
    at      timestamptz GENERATED ALWAYS AS (to_timestamp(hlc::float8 / 1000000)) STORED,
    branch  integer NOT NULL,
    rank    bigint,
    valid   boolean NOT NULL,
    space   bytea NOT NULL,
    log     bytea NOT NULL,
    entry   bytea NOT NULL,     -- id32
    member  bytea,              -- who speaks: null for entry 0 and where the grant named is none
    type    text COLLATE "C",   -- null for entry 0 and what is malformed
    entity  bytea,
    command bytea,
    reason  text,               -- why it is void
    cause   bytea               -- the entry that made it void; null when it is its own fault
);

-- The planner needs no statistics of what is unique; a small sample of the rest will do.
ALTER TABLE {schema}.audit
    ALTER COLUMN pos SET STATISTICS 20,
    ALTER COLUMN seq SET STATISTICS 0,
    ALTER COLUMN hlc SET STATISTICS 20,
    ALTER COLUMN at SET STATISTICS 20,
    ALTER COLUMN branch SET STATISTICS 0,
    ALTER COLUMN rank SET STATISTICS 20,
    ALTER COLUMN valid SET STATISTICS 20,
    ALTER COLUMN space SET STATISTICS 20,
    ALTER COLUMN log SET STATISTICS 20,
    ALTER COLUMN entry SET STATISTICS 0,
    ALTER COLUMN member SET STATISTICS 20,
    ALTER COLUMN type SET STATISTICS 20,
    ALTER COLUMN entity SET STATISTICS 20,
    ALTER COLUMN command SET STATISTICS 0,
    ALTER COLUMN reason SET STATISTICS 20,
    ALTER COLUMN cause SET STATISTICS 0;

-- indices
ALTER TABLE {schema}.audit ADD PRIMARY KEY (space, pos);
CREATE INDEX audit_by_entity ON {schema}.audit (entity, pos);
CREATE INDEX audit_by_member ON {schema}.audit (member, pos);
CREATE INDEX audit_by_entry ON {schema}.audit (entry);
CREATE INDEX audit_void ON {schema}.audit (space, pos) WHERE NOT valid;
