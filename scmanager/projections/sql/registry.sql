-- What the logs of the author's ledger say of updates and plugins, and where each statement stands.
CREATE TABLE {schema}.registered_update (
    space                 bytea NOT NULL,
    registry              bytea NOT NULL,
    ledger                bytea NOT NULL,   -- the hash of the first key manifest
    version               text COLLATE "C" NOT NULL,
    channel               text COLLATE "C" NOT NULL,
    content_hash          text COLLATE "C" NOT NULL,
    min_supported_version text COLLATE "C" NOT NULL,
    update_type           text COLLATE "C" NOT NULL,
    size_bytes            bigint NOT NULL,
    signed_at             timestamptz,
    changelog_url         text COLLATE "C" NOT NULL,
    key                   bytea NOT NULL,
    signature             bytea NOT NULL,
    log                   bytea NOT NULL,
    index                 bigint NOT NULL,
    event_id              bytea NOT NULL
);

CREATE TABLE {schema}.registered_plugin (
    space                 bytea NOT NULL,
    registry              bytea NOT NULL,
    ledger                bytea NOT NULL,
    plugin                text COLLATE "C" NOT NULL,
    version               text COLLATE "C" NOT NULL,
    name                  text COLLATE "C" NOT NULL,
    name_lower            text COLLATE "C" NOT NULL,
    author                text COLLATE "C" NOT NULL,
    description           text COLLATE "C" NOT NULL,
    searched              text COLLATE "C" NOT NULL,
    content_hash          text COLLATE "C" NOT NULL,
    permissions           text[] NOT NULL,
    required_core_version text COLLATE "C" NOT NULL,
    tos_compliance_hash   bytea NOT NULL,
    audit_status          text COLLATE "C" NOT NULL,
    category              text COLLATE "C" NOT NULL,
    registered_at         timestamptz,
    updated_at            timestamptz,
    key                   bytea NOT NULL,
    signature             bytea NOT NULL,
    log                   bytea NOT NULL,
    index                 bigint NOT NULL,
    event_id              bytea NOT NULL
);

ALTER TABLE {schema}.registered_update ALTER COLUMN signature SET STATISTICS 0;

ALTER TABLE {schema}.registered_plugin
    ALTER COLUMN searched SET STATISTICS 0,
    ALTER COLUMN signature SET STATISTICS 0;

-- indices
ALTER TABLE {schema}.registered_update ADD PRIMARY KEY (space, event_id);
ALTER TABLE {schema}.registered_plugin ADD PRIMARY KEY (space, event_id);
CREATE INDEX registered_plugin_by_name ON {schema}.registered_plugin (space, name_lower, event_id);
CREATE INDEX registered_plugin_by_plugin ON {schema}.registered_plugin (space, plugin);
