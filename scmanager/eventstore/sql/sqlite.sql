-- The event store in SQLite. Entries, notes and logs only grow: triggers refuse the rest (SPEC C1).
CREATE TABLE IF NOT EXISTS log (
    no      INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,
    space   BLOB NOT NULL,
    public  BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS branch (
    log     INTEGER NOT NULL REFERENCES log (no),
    number  INTEGER NOT NULL,
    parent  INTEGER NOT NULL,
    start   INTEGER NOT NULL,
    PRIMARY KEY (log, number)
) STRICT, WITHOUT ROWID;

-- Where each branch ends. A cache of what the entries say, checked against them at start.
CREATE TABLE IF NOT EXISTS head (
    log     INTEGER NOT NULL,
    branch  INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    id      BLOB NOT NULL,
    hlc     INTEGER NOT NULL,
    tree    BLOB NOT NULL,
    PRIMARY KEY (log, branch)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS entry (
    pos     INTEGER PRIMARY KEY,
    log     INTEGER NOT NULL,
    branch  INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    data    BLOB NOT NULL,
    shared  BLOB NOT NULL,
    UNIQUE (log, branch, seq)
) STRICT;

CREATE TABLE IF NOT EXISTS note (
    log       INTEGER NOT NULL,
    branch    INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    root      BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (log, branch, size)
) STRICT, WITHOUT ROWID;

-- Runs that wait for the entries before them (pending.py): private to the node, bounded, and no part of any log.
CREATE TABLE IF NOT EXISTS pending (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    id        BLOB NOT NULL UNIQUE,
    space     BLOB NOT NULL,
    log       BLOB NOT NULL,
    first     INTEGER NOT NULL,
    prev      BLOB NOT NULL,
    size      INTEGER NOT NULL,
    root      BLOB NOT NULL,
    signature BLOB NOT NULL,
    bytes     INTEGER NOT NULL,
    since     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS pending_log ON pending (log);

CREATE TABLE IF NOT EXISTS pending_dropped (
    number    INTEGER PRIMARY KEY,
    space     BLOB NOT NULL,
    log       BLOB NOT NULL,
    first     INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    code      TEXT NOT NULL,
    reason    TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS pending_entry (
    run     INTEGER NOT NULL,
    nth     INTEGER NOT NULL,
    data    BLOB NOT NULL,
    shared  BLOB NOT NULL,
    PRIMARY KEY (run, nth)
) STRICT;

CREATE TABLE IF NOT EXISTS pending_part (
    run     INTEGER NOT NULL,
    nth     INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    key     BLOB NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY (run, nth, number)
) STRICT;
CREATE INDEX IF NOT EXISTS pending_part_key ON pending_part (key);

-- Parts 1 to 15: the only bytes that may be erased.
CREATE TABLE IF NOT EXISTS part (
    pos     INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    key     BLOB NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY (pos, number)
) STRICT;
CREATE INDEX IF NOT EXISTS part_key ON part (key);

CREATE TABLE IF NOT EXISTS outcome (
    log     INTEGER NOT NULL,
    command BLOB NOT NULL,
    result  BLOB NOT NULL,
    PRIMARY KEY (log, command)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS tracking (
    name    TEXT PRIMARY KEY,
    pos     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER IF NOT EXISTS entry_grows BEFORE INSERT ON entry
WHEN NEW.pos <= (SELECT ifnull(max(pos), 0) FROM entry)
    OR EXISTS (SELECT 1 FROM entry WHERE log = NEW.log AND branch = NEW.branch AND seq = NEW.seq)
BEGIN SELECT raise(ABORT, 'entries only grow'); END;
CREATE TRIGGER IF NOT EXISTS entry_stays BEFORE DELETE ON entry
BEGIN SELECT raise(ABORT, 'entries are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS entry_same BEFORE UPDATE ON entry
BEGIN SELECT raise(ABORT, 'entries are never changed'); END;

CREATE TRIGGER IF NOT EXISTS note_grows BEFORE INSERT ON note
WHEN EXISTS (SELECT 1 FROM note WHERE log = NEW.log AND branch = NEW.branch AND size = NEW.size)
BEGIN SELECT raise(ABORT, 'notes only grow'); END;
CREATE TRIGGER IF NOT EXISTS note_stays BEFORE DELETE ON note
BEGIN SELECT raise(ABORT, 'notes are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS note_same BEFORE UPDATE ON note
BEGIN SELECT raise(ABORT, 'notes are never changed'); END;

CREATE TRIGGER IF NOT EXISTS log_grows BEFORE INSERT ON log
WHEN EXISTS (SELECT 1 FROM log WHERE no = NEW.no OR id = NEW.id)
BEGIN SELECT raise(ABORT, 'logs only grow'); END;
CREATE TRIGGER IF NOT EXISTS log_stays BEFORE DELETE ON log
BEGIN SELECT raise(ABORT, 'logs are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS log_same BEFORE UPDATE ON log
BEGIN SELECT raise(ABORT, 'logs are never changed'); END;

CREATE TRIGGER IF NOT EXISTS branch_grows BEFORE INSERT ON branch
WHEN EXISTS (SELECT 1 FROM branch WHERE log = NEW.log AND number = NEW.number)
BEGIN SELECT raise(ABORT, 'branches only grow'); END;
CREATE TRIGGER IF NOT EXISTS branch_stays BEFORE DELETE ON branch
BEGIN SELECT raise(ABORT, 'branches are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS branch_same BEFORE UPDATE ON branch
BEGIN SELECT raise(ABORT, 'branches are never changed'); END;

CREATE TRIGGER IF NOT EXISTS part_grows BEFORE INSERT ON part
WHEN EXISTS (SELECT 1 FROM part WHERE pos = NEW.pos AND number = NEW.number)
BEGIN SELECT raise(ABORT, 'parts are erased, never changed'); END;
CREATE TRIGGER IF NOT EXISTS part_same BEFORE UPDATE ON part
BEGIN SELECT raise(ABORT, 'parts are erased, never changed'); END;

CREATE TRIGGER IF NOT EXISTS outcome_grows BEFORE INSERT ON outcome
WHEN EXISTS (SELECT 1 FROM outcome WHERE log = NEW.log AND command = NEW.command)
BEGIN SELECT raise(ABORT, 'outcomes only grow'); END;
CREATE TRIGGER IF NOT EXISTS outcome_stays BEFORE DELETE ON outcome
BEGIN SELECT raise(ABORT, 'outcomes are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS outcome_same BEFORE UPDATE ON outcome
BEGIN SELECT raise(ABORT, 'outcomes are never changed'); END;
