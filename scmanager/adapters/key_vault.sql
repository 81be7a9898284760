CREATE TABLE vault (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    lock BLOB NOT NULL,      -- where the wrapping key is
    probe BLOB NOT NULL,     -- a sealed constant: tells a wrong wrapping key from a damaged row
    unclean INTEGER NOT NULL -- 1 from an erasure's commit until the pages it freed are rewritten
);

CREATE TABLE keys (
    key_id BLOB PRIMARY KEY,
    space BLOB NOT NULL,
    subject BLOB NOT NULL,   -- empty for an epoch's key
    wrapped BLOB NOT NULL
) WITHOUT ROWID;

CREATE INDEX keys_of ON keys (space, subject);

CREATE TABLE erased (key_id BLOB PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE logs (
    log BLOB PRIMARY KEY,
    space BLOB NOT NULL,
    wrapped BLOB NOT NULL
) WITHOUT ROWID;

PRAGMA user_version = 1;
