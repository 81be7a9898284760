-- What is contested and what was: a contest, and the values that stood against each other in it.
CREATE TABLE {schema}.contest (
    space         bytea NOT NULL,
    id            bytea NOT NULL,
    thing         bytea NOT NULL,
    kind          text COLLATE "C" NOT NULL,  -- such as fleet
    title         text COLLATE "C" NOT NULL,  -- empty where a name is personal
    field         text COLLATE "C" NOT NULL,  -- such as lead
    part          bytea,                      -- a slot of an operation
    since         timestamptz NOT NULL,       -- when the second of them was set
    settled_in    bytea,                      -- the entry that settled it; null while it is open
    settled_by    bytea,
    settled_at    timestamptz,
    outcome       text COLLATE "C",
    outcome_id    bytea,
    outcome_words text COLLATE "C",
    right_needed  text,                       -- null: it is somebody's own
    owner         bytea,                      -- who needs no right
    verb          text NOT NULL               -- what says a new value
);

CREATE TABLE {schema}.contest_value (
    space      bytea NOT NULL,
    thing      bytea NOT NULL,
    contest    bytea NOT NULL,
    place      integer NOT NULL,  -- 1 holds while it is open
    entry      bytea NOT NULL,
    member     bytea,
    at         timestamptz NOT NULL,
    holds      boolean NOT NULL,
    value      text COLLATE "C" NOT NULL,
    noun       text NOT NULL,     -- what an id in value_id stands for
    value_id   bytea,
    words      text COLLATE "C",
    words_open text NOT NULL      -- none, open, erased, not-here or unreadable
);

ALTER TABLE {schema}.contest ALTER COLUMN outcome_words SET STATISTICS 0;
ALTER TABLE {schema}.contest_value ALTER COLUMN words SET STATISTICS 0;

-- indices
ALTER TABLE {schema}.contest ADD PRIMARY KEY (space, id);
CREATE INDEX contest_by_thing ON {schema}.contest (space, thing);
CREATE INDEX contest_open ON {schema}.contest (space, since, id) WHERE settled_in IS NULL;
CREATE INDEX contest_by_settling ON {schema}.contest (space, settled_at, id) WHERE settled_in IS NOT NULL;
ALTER TABLE {schema}.contest_value ADD PRIMARY KEY (space, contest, place);
CREATE INDEX contest_value_by_thing ON {schema}.contest_value (space, thing);
