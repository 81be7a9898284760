CREATE TABLE IF NOT EXISTS followed (one INTEGER PRIMARY KEY CHECK (one = 1), pos INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS shape (fingerprint BLOB PRIMARY KEY, error TEXT NOT NULL, frames BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS counted (
    fingerprint BLOB NOT NULL,
    version     TEXT NOT NULL,
    day         INTEGER NOT NULL,
    reports     INTEGER NOT NULL,
    errors      INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, version, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS counted_by_day ON counted (day, reports);
CREATE TABLE IF NOT EXISTS met (
    day          INTEGER PRIMARY KEY,
    fresh        INTEGER NOT NULL,
    beyond       INTEGER NOT NULL,
    terms        INTEGER NOT NULL,
    terms_beyond INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS bug (
    fingerprint BLOB NOT NULL,
    version     TEXT NOT NULL,
    opened_s    INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS terms (
    event   BLOB PRIMARY KEY,
    log     BLOB NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    version TEXT NOT NULL,
    region  TEXT,
    count   INTEGER NOT NULL,
    payload BLOB NOT NULL,
    day     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS terms_by_day ON terms (day);
