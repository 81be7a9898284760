-- What can be found by name: one row a thing, whatever its kind. Keys and grams: see projections/matching.py.
CREATE TABLE {schema}.searchable (
    space  bytea NOT NULL,
    id     bytea NOT NULL,
    kind   text NOT NULL,
    gone   boolean NOT NULL,  -- left, removed, disbanded, archived, cancelled
    name   text COLLATE "C" NOT NULL,
    key    text COLLATE "C" NOT NULL,
    grams  integer[] NOT NULL
);

ALTER TABLE {schema}.searchable
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN key SET STATISTICS 0,
    ALTER COLUMN grams SET STATISTICS 0;

-- indices
ALTER TABLE {schema}.searchable ADD PRIMARY KEY (space, id, kind);
CREATE INDEX searchable_by_gram ON {schema}.searchable USING gin (grams) WITH (fastupdate = off);
CREATE INDEX searchable_by_key ON {schema}.searchable (left(key, 100), id);
ALTER INDEX {schema}.searchable_by_key ALTER COLUMN 1 SET STATISTICS 0;
