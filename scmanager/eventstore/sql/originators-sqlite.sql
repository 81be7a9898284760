-- What a node remembers about entities for itself: private, never replicated, rebuilt from the entries but for `name`.
CREATE TABLE IF NOT EXISTS originator (
    entity  BLOB PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

-- The order in which an entity's events reached this node.
CREATE TABLE IF NOT EXISTS arrival (
    pos     INTEGER PRIMARY KEY,
    entity  BLOB NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (entity, version)
) STRICT;

CREATE TABLE IF NOT EXISTS tracking (
    name    TEXT PRIMARY KEY,
    pos     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
