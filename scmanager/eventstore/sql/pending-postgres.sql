-- Runs that wait for the entries before them (pending.py), under rights of their own: the writer may add, look and
-- remove, the reader may not even look. They belong to no log. Named pieces; see named_sql.py.

-- name: tables
CREATE TABLE pending (
    number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id        bytea NOT NULL UNIQUE,
    space     bytea NOT NULL,
    log       bytea NOT NULL,
    first     bigint NOT NULL,
    prev      bytea NOT NULL,
    size      bigint NOT NULL,
    root      bytea NOT NULL,
    signature bytea NOT NULL,
    bytes     bigint NOT NULL
);
CREATE INDEX pending_log ON pending (log);

CREATE TABLE pending_entry (
    run     bigint NOT NULL,
    nth     bigint NOT NULL,
    data    bytea NOT NULL,
    shared  bytea NOT NULL,
    PRIMARY KEY (run, nth)
);

CREATE TABLE pending_part (
    run     bigint NOT NULL,
    nth     bigint NOT NULL,
    number  bigint NOT NULL,
    key     bytea NOT NULL,
    bytes   bytea NOT NULL,
    PRIMARY KEY (run, nth, number)
);
CREATE INDEX pending_part_key ON pending_part (key);

ALTER TABLE pending_entry ALTER data SET STORAGE EXTERNAL, ALTER shared SET STORAGE EXTERNAL;
ALTER TABLE pending_part ALTER bytes SET STORAGE EXTERNAL;

-- name: tables_4
ALTER TABLE pending ADD COLUMN since bigint NOT NULL DEFAULT 0;

CREATE TABLE pending_dropped (
    number    bigint PRIMARY KEY,
    space     bytea NOT NULL,
    log       bytea NOT NULL,
    first     bigint NOT NULL,
    size      bigint NOT NULL,
    code      text NOT NULL,
    reason    text NOT NULL
);

-- name: known
SELECT 1 FROM scm_events.pending WHERE id = %(id)s;

-- name: sizes
SELECT coalesce(sum(size - first), 0)::bigint, coalesce(sum(bytes), 0)::bigint FROM scm_events.pending
WHERE %(log)s::bytea IS NULL OR log = %(log)s;

-- name: add
INSERT INTO scm_events.pending (id, space, log, first, prev, size, root, signature, bytes, since)
VALUES (%(id)s, %(space)s, %(log)s, %(first)s::bigint, %(prev)s, %(size)s::bigint, %(root)s, %(signature)s,
    %(bytes)s::bigint, %(since)s::bigint)
RETURNING number;

-- name: add_entries
INSERT INTO scm_events.pending_entry (run, nth, data, shared)
SELECT %(run)s::bigint, e.n - 1, e.data, e.shared
FROM unnest(%(data)b::bytea[], %(shared)b::bytea[]) WITH ORDINALITY AS e (data, shared, n);

-- name: add_parts
INSERT INTO scm_events.pending_part (run, nth, number, key, bytes)
SELECT %(run)s::bigint, p.nth, p.number, p.key, p.bytes
FROM unnest(%(nth)b::bigint[], %(numbers)b::bigint[], %(keys)b::bytea[], %(bytes)b::bytea[])
    AS p (nth, number, key, bytes);

-- name: waiting
SELECT number, space, log, first, prev, size, root, signature, bytes, since, id FROM scm_events.pending
WHERE %(log)s::bytea IS NULL OR log = %(log)s ORDER BY log, first, number;

-- name: one
SELECT number, space, log, first, prev, size, root, signature, bytes, since, id FROM scm_events.pending
WHERE number = %(run)s::bigint;

-- name: entries
SELECT data, shared FROM scm_events.pending_entry WHERE run = %(run)s::bigint ORDER BY nth;

-- name: parts
SELECT nth, number, bytes FROM scm_events.pending_part WHERE run = %(run)s::bigint;

-- name: keys
SELECT DISTINCT p.key FROM scm_events.pending_part p JOIN scm_events.pending r ON r.number = p.run
WHERE r.space = %(space)s;

-- name: drop
INSERT INTO scm_events.pending_dropped (number, space, log, first, size, code, reason)
SELECT number, space, log, first, size, %(code)s, %(reason)s FROM scm_events.pending WHERE number = %(run)s::bigint;

-- name: forget_oldest
DELETE FROM scm_events.pending_dropped WHERE number NOT IN
    (SELECT number FROM scm_events.pending_dropped ORDER BY number DESC LIMIT %(most)s::bigint);

-- name: dropped
SELECT space, log, first, size, code, reason, number FROM scm_events.pending_dropped ORDER BY number;

-- name: forget
DELETE FROM scm_events.pending_dropped WHERE number = %(run)s::bigint;

-- name: release
DELETE FROM scm_events.pending WHERE number = %(run)s::bigint RETURNING number;

-- name: release_entries
DELETE FROM scm_events.pending_entry WHERE run = %(run)s::bigint;

-- name: release_parts
DELETE FROM scm_events.pending_part WHERE run = %(run)s::bigint RETURNING key;

-- name: erase_admitted
DELETE FROM scm_events.part WHERE key = ANY(%(keys)b::bytea[]);

-- name: erase
DELETE FROM scm_events.pending_part WHERE key = ANY(%(keys)b::bytea[]);
