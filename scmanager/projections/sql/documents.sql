-- Documents as they are now: one row for each kind of document of a thing. Earlier texts are made on asking.
CREATE TABLE {schema}.document (
    space      bytea NOT NULL,
    id         bytea NOT NULL,  -- the thing, then a byte for the kind
    thing      bytea NOT NULL,
    kind       text NOT NULL,
    body       text COLLATE "C",
    body_words text NOT NULL,   -- none, open, erased, not-here or unreadable
    trouble    text,            -- why it cannot be shown though it is here
    heads      bytea[] NOT NULL,
    changes    integer NOT NULL,
    omitted    integer NOT NULL,
    authors    bytea[] NOT NULL,
    changed_by bytea,
    changed_at timestamptz
);

ALTER TABLE {schema}.document ALTER COLUMN body SET STATISTICS 0;

-- What of a document's text can be searched. Keys, places and grams: see projections/matching.py.
CREATE TABLE {schema}.document_text (
    space    bytea NOT NULL,
    id       bytea NOT NULL,
    thing    bytea NOT NULL,
    thing_is text NOT NULL,      -- its kind in `searchable`
    key      text COLLATE "C" NOT NULL,
    grams    integer[] NOT NULL,
    starts   integer[] NOT NULL, -- of the text's pieces: where they begin in the key
    cuts     integer[] NOT NULL  -- and where in the text; at last, where what is searched of it ends
);

ALTER TABLE {schema}.document_text
    ALTER COLUMN key SET STATISTICS 0,
    ALTER COLUMN grams SET STATISTICS 0,
    ALTER COLUMN starts SET STATISTICS 0,
    ALTER COLUMN cuts SET STATISTICS 0;

-- The planner sees few small pages, not the long arrays beside them: left to itself it would read all of them.
CREATE FUNCTION {schema}.document_text_with(wanted integer[]) RETURNS SETOF {schema}.document_text
    LANGUAGE sql STABLE SET enable_seqscan = off
    BEGIN ATOMIC SELECT * FROM {schema}.document_text WHERE grams @> wanted; END;

-- indices
ALTER TABLE {schema}.document ADD PRIMARY KEY (space, id);
CREATE INDEX document_by_thing ON {schema}.document (space, thing, kind);
CREATE INDEX document_by_change ON {schema}.document (space, changed_at, id);
ALTER TABLE {schema}.document_text ADD PRIMARY KEY (space, id);
CREATE INDEX document_text_by_thing ON {schema}.document_text (space, thing);
CREATE INDEX document_text_by_gram ON {schema}.document_text USING gin (grams) WITH (fastupdate = off);
