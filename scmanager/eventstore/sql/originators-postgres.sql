-- What a node remembers about entities for itself: private, never replicated, rebuilt from the entries but for `name`.
-- They only grow: the writer may add and look. `tracking` belongs to the store. Named pieces; see named_sql.py.

-- name: tables
CREATE TABLE originator (
    entity  bytea PRIMARY KEY,
    name    text NOT NULL UNIQUE
);

-- The order in which an entity's events reached this store.
CREATE TABLE arrival (
    pos     bigint PRIMARY KEY,
    entity  bytea NOT NULL,
    version bigint NOT NULL,
    UNIQUE (entity, version)
);

-- What somebody else recorded first is missing from the answer.
-- name: add_names
INSERT INTO scm_events.originator (entity, name) SELECT * FROM unnest(%(entities)b::bytea[], %(names)s::text[])
ON CONFLICT DO NOTHING RETURNING name;

-- name: add_arrivals
INSERT INTO scm_events.arrival (pos, entity, version)
SELECT * FROM unnest(%(positions)b::bigint[], %(entities)b::bytea[], %(versions)b::bigint[])
ON CONFLICT DO NOTHING RETURNING pos;

-- Versions follow the positions; what has one already keeps it.
-- name: index
INSERT INTO scm_events.arrival (pos, entity, version)
SELECT new.pos, new.entity, row_number() OVER (PARTITION BY new.entity ORDER BY new.pos)
    + coalesce((SELECT max(version) FROM scm_events.arrival a WHERE a.entity = new.entity), 0)
FROM unnest(%(positions)b::bigint[], %(entities)b::bytea[]) AS new (pos, entity)
WHERE NOT EXISTS (SELECT 1 FROM scm_events.arrival a WHERE a.pos = new.pos);

-- name: indexed
INSERT INTO scm_events.tracking (name, pos) VALUES (%(name)s, %(upto)s::bigint)
ON CONFLICT (name) DO UPDATE SET pos = greatest(tracking.pos, excluded.pos);

-- Entries of others may have come in between: then `index` passes over these later.
-- name: indexed_too
UPDATE scm_events.tracking SET pos = %(upto)s::bigint WHERE name = %(name)s AND pos = %(before)s::bigint;

-- name: track
INSERT INTO scm_events.tracking (name, pos) VALUES (%(name)s, %(pos)s::bigint)
ON CONFLICT (name) DO UPDATE SET pos = excluded.pos WHERE tracking.pos < excluded.pos RETURNING pos;

-- name: entity
SELECT entity FROM scm_events.originator WHERE name = %(name)s;

-- name: name
SELECT name FROM scm_events.originator WHERE entity = %(entity)s;

-- name: oldest_first
SELECT pos, entity, version FROM scm_events.arrival
WHERE entity = %(entity)s AND (%(after)s::bigint IS NULL OR version > %(after)s::bigint)
    AND (%(upto)s::bigint IS NULL OR version <= %(upto)s::bigint)
ORDER BY version LIMIT %(limit)s::bigint;

-- name: newest_first
SELECT pos, entity, version FROM scm_events.arrival
WHERE entity = %(entity)s AND (%(after)s::bigint IS NULL OR version > %(after)s::bigint)
    AND (%(upto)s::bigint IS NULL OR version <= %(upto)s::bigint)
ORDER BY version DESC LIMIT %(limit)s::bigint;

-- name: between
SELECT pos, entity, version FROM scm_events.arrival
WHERE pos > %(after)s::bigint AND pos <= %(upto)s::bigint ORDER BY pos;

-- name: tracked
SELECT pos FROM scm_events.tracking WHERE name = %(name)s;
