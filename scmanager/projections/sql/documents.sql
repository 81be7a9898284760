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

-- indices
ALTER TABLE {schema}.document ADD PRIMARY KEY (space, id);
CREATE INDEX document_by_thing ON {schema}.document (space, thing, kind);
CREATE INDEX document_by_change ON {schema}.document (space, changed_at, id);
