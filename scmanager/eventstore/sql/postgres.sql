-- The event store in PostgreSQL. Everything but heads, the position, parts and tracking only grows: triggers refuse
-- the rest, and the roles of a running node lack the rights (SPEC C1). Named pieces; see named_sql.py.

-- name: tables
CREATE TABLE space (
    id      bytea PRIMARY KEY
);

CREATE TABLE log (
    no      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id      bytea NOT NULL UNIQUE,
    space   bytea NOT NULL REFERENCES space (id),
    public  bytea NOT NULL
);

CREATE TABLE branch (
    log     integer NOT NULL REFERENCES log (no),
    number  integer NOT NULL,
    parent  integer NOT NULL,
    start   bigint NOT NULL,
    PRIMARY KEY (log, number)
);

-- Where each branch ends. A cache of what the entries say, checked against them at start.
CREATE TABLE head (
    log     integer NOT NULL,
    branch  integer NOT NULL,
    size    bigint NOT NULL,
    id      bytea NOT NULL,
    hlc     bigint NOT NULL,
    tree    bytea NOT NULL,
    PRIMARY KEY (log, branch)
) WITH (fillfactor = 20);

-- One row: the newest pos. Who holds its lock commits next, so pos has no gaps and follows the commits.
CREATE TABLE position (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    last    bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO position (last) VALUES (0);

CREATE TABLE entry (
    pos     bigint PRIMARY KEY,
    log     integer NOT NULL,
    branch  integer NOT NULL,
    seq     bigint NOT NULL,
    data    bytea NOT NULL,
    shared  bytea NOT NULL,
    UNIQUE (log, branch, seq)
);

CREATE TABLE note (
    log       integer NOT NULL,
    branch    integer NOT NULL,
    size      bigint NOT NULL,
    root      bytea NOT NULL,
    signature bytea NOT NULL,
    PRIMARY KEY (log, branch, size)
);

-- Parts 1 to 15: the only bytes that may be erased.
CREATE TABLE part (
    pos     bigint NOT NULL,
    number  smallint NOT NULL,
    key     bytea NOT NULL,
    bytes   bytea NOT NULL,
    PRIMARY KEY (pos, number)
);
CREATE INDEX part_key ON part (key);

CREATE TABLE outcome (
    log     integer NOT NULL,
    command bytea NOT NULL,
    result  bytea NOT NULL,
    PRIMARY KEY (log, command)
);

CREATE TABLE tracking (
    name    text PRIMARY KEY,
    pos     bigint NOT NULL
);

CREATE TABLE schema_version (
    version integer PRIMARY KEY
);

-- The bytes of entries and parts are sealed: compressing them again costs time and gains nothing.
ALTER TABLE entry ALTER data SET STORAGE EXTERNAL, ALTER shared SET STORAGE EXTERNAL;
ALTER TABLE part ALTER bytes SET STORAGE EXTERNAL;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: it only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

-- ALWAYS: they also fire for a session that calls itself a replica.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['space', 'log', 'branch', 'entry', 'note', 'outcome', 'schema_version'] LOOP
        EXECUTE format('CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON %I EXECUTE FUNCTION refuse()', name);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER stays', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['head', 'position'] LOOP
        EXECUTE format('CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON %I EXECUTE FUNCTION refuse()', name);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER stays', name);
    END LOOP;
END $$;
CREATE TRIGGER same BEFORE UPDATE OR TRUNCATE ON part EXECUTE FUNCTION refuse();
ALTER TABLE part ENABLE ALWAYS TRIGGER same;
CREATE TRIGGER rises BEFORE UPDATE ON head FOR EACH ROW
    WHEN (NEW.size <= OLD.size OR NEW.log <> OLD.log OR NEW.branch <> OLD.branch) EXECUTE FUNCTION refuse();
ALTER TABLE head ENABLE ALWAYS TRIGGER rises;
CREATE TRIGGER rises BEFORE UPDATE ON position FOR EACH ROW
    WHEN (NEW.last <= OLD.last) EXECUTE FUNCTION refuse();
ALTER TABLE position ENABLE ALWAYS TRIGGER rises;

-- name: add_space
INSERT INTO scm_events.space (id) VALUES (%(space)s) ON CONFLICT DO NOTHING;

-- name: hold_space
SELECT id FROM scm_events.space WHERE id = %(space)s FOR UPDATE;

-- name: add_log
INSERT INTO scm_events.log (id, space, public)
SELECT %(log)s, %(space)s, %(public)s WHERE NOT EXISTS (SELECT 1 FROM scm_events.log WHERE id = %(log)s);

-- name: add_branch
INSERT INTO scm_events.branch (log, number, parent, start)
SELECT no, %(number)s::bigint, %(parent)s::bigint, %(start)s::bigint FROM scm_events.log WHERE id = %(log)s
ON CONFLICT DO NOTHING;

-- name: add_head
INSERT INTO scm_events.head (log, branch, size, id, hlc, tree)
SELECT no, %(number)s::bigint, %(start)s::bigint, %(prev)s, 0, '' FROM scm_events.log WHERE id = %(log)s
ON CONFLICT DO NOTHING;

-- One statement of up to four pieces: plans are kept, and an empty piece costs as much as a full one.
-- name: append
WITH held AS MATERIALIZED (
    SELECT l.no FROM scm_events.log l JOIN scm_events.space s ON s.id = l.space WHERE l.id = %(log)s FOR UPDATE OF s
), moved AS (
    UPDATE scm_events.head h SET size = %(size)s::bigint, id = %(id)s, hlc = %(hlc)s::bigint, tree = %(tree)s
    FROM held WHERE h.log = held.no AND h.branch = %(branch)s::bigint AND h.size = %(before)s::bigint
        AND h.id = %(prev)s
    RETURNING h.log
), place AS (
    UPDATE scm_events.position p SET last = p.last + %(count)s::bigint FROM moved
    RETURNING p.last, p.last - %(count)s::bigint AS base, moved.log
), entries AS (
    INSERT INTO scm_events.entry (pos, log, branch, seq, data, shared)
    SELECT place.base + e.n, place.log, %(branch)s::bigint, %(before)s::bigint + e.n - 1, e.data, e.shared
    FROM place, unnest(%(data)b::bytea[], %(shared)b::bytea[]) WITH ORDINALITY AS e (data, shared, n)
), notes AS (
    INSERT INTO scm_events.note (log, branch, size, root, signature)
    SELECT place.log, %(branch)s::bigint, %(size)s::bigint, %(root)s, %(signature)s FROM place
)

-- name: append_parts
, parts AS (
    INSERT INTO scm_events.part (pos, number, key, bytes)
    SELECT place.base + p.n, p.number, p.key, p.bytes
    FROM place, unnest(%(nth)b::bigint[], %(numbers)b::bigint[], %(keys)b::bytea[], %(bytes)b::bytea[])
        AS p (n, number, key, bytes)
)

-- name: append_outcomes
, outcomes AS (
    INSERT INTO scm_events.outcome (log, command, result)
    SELECT place.log, o.command, o.result
    FROM place, unnest(%(commands)b::bytea[], %(results)b::bytea[]) AS o (command, result)
)

-- name: append_end
SELECT place.last, pg_notify('scm_events', '') IS NULL FROM place;

-- name: own
SELECT pg_try_advisory_lock(%(key)s::bigint);

-- name: end_session
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE pid = %(pid)s::bigint AND pid <> pg_backend_pid() AND backend_start = %(started)s AND usename = current_user;

-- name: session
SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid();

-- name: reached
SELECT h.id, e.pos FROM scm_events.head h JOIN scm_events.log l ON l.no = h.log
JOIN scm_events.entry e ON e.log = h.log AND e.branch = h.branch AND e.seq = h.size - 1
WHERE l.id = %(log)s AND h.branch = %(branch)s::bigint;

-- name: branches
SELECT b.number, b.parent, b.start, h.size FROM scm_events.branch b
JOIN scm_events.log l ON l.no = b.log
JOIN scm_events.head h ON h.log = b.log AND h.branch = b.number WHERE l.id = %(log)s;

-- name: entry_bytes
SELECT e.seq, e.data FROM scm_events.entry e JOIN scm_events.log l ON l.no = e.log
WHERE l.id = %(log)s AND e.branch = %(branch)s::bigint AND e.seq >= %(first)s::bigint AND e.seq < %(end)s::bigint;

-- A row a part, or one with NULL for an entry without any.
-- name: held_parts
SELECT e.seq, e.pos, p.number FROM scm_events.entry e JOIN scm_events.log l ON l.no = e.log
LEFT JOIN scm_events.part p ON p.pos = e.pos
WHERE l.id = %(log)s AND e.branch = %(branch)s::bigint AND e.seq >= %(first)s::bigint AND e.seq < %(end)s::bigint;

-- name: add_parts
INSERT INTO scm_events.part (pos, number, key, bytes)
SELECT * FROM unnest(%(positions)b::bigint[], %(numbers)b::bigint[], %(keys)b::bytea[], %(bytes)b::bytea[]);

-- name: heads
SELECT l.space, l.id, l.public, h.branch, h.size, h.id, h.hlc, h.tree
FROM scm_events.head h JOIN scm_events.log l ON l.no = h.log
WHERE %(space)s::bytea IS NULL OR l.space = %(space)s ORDER BY l.no, h.branch;

-- name: ends
SELECT l.id, l.space, l.public, (SELECT data FROM scm_events.entry WHERE log = l.no AND branch = 0 AND seq = 0),
    h.branch, h.size, h.id, h.hlc, h.tree, e.data, n.size, n.root
FROM scm_events.head h JOIN scm_events.log l ON l.no = h.log
LEFT JOIN LATERAL (SELECT seq, data FROM scm_events.entry
    WHERE log = h.log AND branch = h.branch ORDER BY seq DESC LIMIT 1) e ON e.seq = h.size - 1
LEFT JOIN LATERAL (SELECT size, root FROM scm_events.note
    WHERE log = h.log AND branch = h.branch ORDER BY size DESC LIMIT 1) n ON true;

-- name: positions
SELECT p.last, (SELECT coalesce(max(pos), 0) FROM scm_events.entry),
    (SELECT coalesce(sum(h.size - b.start), 0) FROM scm_events.branch b
        LEFT JOIN scm_events.head h ON h.log = b.log AND h.branch = b.number)
FROM scm_events.position p;

-- name: read
SELECT e.pos, l.id, e.branch, e.data, e.shared FROM scm_events.log l
JOIN unnest(%(numbers)b::bigint[], %(starts)s::bigint[], %(ends)s::bigint[]) AS piece (branch, first, last) ON true
JOIN scm_events.entry e ON e.log = l.no AND e.branch = piece.branch AND e.seq >= piece.first AND e.seq < piece.last
WHERE l.id = %(log)s ORDER BY e.seq LIMIT %(limit)s::bigint;

-- name: tail
SELECT e.pos, l.id, e.branch, e.data, e.shared FROM scm_events.entry e JOIN scm_events.log l ON l.no = e.log
WHERE e.pos > %(after)s::bigint ORDER BY e.pos LIMIT %(limit)s::bigint;

-- name: parts
SELECT pos, number, bytes FROM scm_events.part WHERE pos = ANY(%(positions)s::bigint[]);

-- name: note
SELECT n.size, n.root, n.signature FROM scm_events.note n JOIN scm_events.log l ON l.no = n.log
WHERE l.id = %(log)s AND n.branch = %(branch)s::bigint AND n.size >= %(size)s::bigint ORDER BY n.size LIMIT 1;

-- name: outcome
SELECT o.result FROM scm_events.outcome o JOIN scm_events.log l ON l.no = o.log
WHERE l.id = %(log)s AND o.command = %(command)s;

-- name: erase
DELETE FROM scm_events.part WHERE key = ANY(%(keys)b::bytea[]);

-- name: last_pos
SELECT last FROM scm_events.position;

-- Whoever commits needs the position: under its lock the newest entry stays the newest.
-- name: hold_position
SELECT last FROM scm_events.position FOR UPDATE;
