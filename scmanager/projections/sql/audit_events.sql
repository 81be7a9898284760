-- Audit events: a row a series, of one's own personal spaces only. The audit trail (audit.sql) has a row an entry.
CREATE TABLE {schema}.audit_event (
    space    bytea NOT NULL,
    id       bytea NOT NULL,
    log      bytea NOT NULL,        -- of the device that noted it
    type     text COLLATE "C" NOT NULL,
    severity text COLLATE "C" NOT NULL,
    code     text COLLATE "C",      -- null: not listed one by one
    count    bigint NOT NULL,
    first_at timestamptz,
    last_at  timestamptz,
    version  text COLLATE "C",
    region   text COLLATE "C",
    source   bytea,                 -- hashes
    payload  bytea,
    origin   text COLLATE "C",      -- where from, in clear
    detail   text COLLATE "C",
    words    text NOT NULL          -- none, open, erased, not-here or unreadable
);

ALTER TABLE {schema}.audit_event
    ALTER COLUMN origin SET STATISTICS 0,
    ALTER COLUMN detail SET STATISTICS 0;

-- indices
ALTER TABLE {schema}.audit_event ADD PRIMARY KEY (space, id);
CREATE INDEX audit_event_by_last ON {schema}.audit_event (space, last_at, id);
CREATE INDEX audit_event_by_type ON {schema}.audit_event (space, type, last_at);
