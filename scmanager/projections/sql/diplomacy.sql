-- Other organisations as this one knows them, treaties with them, and what happened. Columns hold moments, not phases.
CREATE TABLE {schema}.contact (
    space         bytea NOT NULL,
    id            bytea NOT NULL,
    title         text COLLATE "C" NOT NULL,
    title_lower   text COLLATE "C" NOT NULL,
    rival_titles  text[] NOT NULL,
    sid           text COLLATE "C" NOT NULL,
    their_space   bytea,
    rival_spaces  bytea[] NOT NULL,
    identity      text NOT NULL,  -- none, claimed or proved
    archived      boolean NOT NULL,
    stance        text NOT NULL,
    rival_stances text[] NOT NULL,
    war_since     timestamptz,
    war_by        text,           -- us or them
    reported      text,           -- their stance, as one of us claims
    reported_at   timestamptz,
    note          text COLLATE "C",
    note_words    text NOT NULL   -- none, open, erased, not-here or unreadable
);

CREATE TABLE {schema}.treaty (
    space       bytea NOT NULL,
    id          bytea NOT NULL,
    contact     bytea NOT NULL,
    title       text COLLATE "C" NOT NULL,
    title_lower text COLLATE "C" NOT NULL,
    kind        text NOT NULL,
    proposed_by text NOT NULL,
    stage       text NOT NULL,  -- proposed, declined, withdrawn or agreed
    dropped_by  text,
    end_reason  text,
    ended_by    text,
    ended_at    timestamptz,    -- when it was, or will be, ended before its time
    starts_at   timestamptz,    -- null: once it is agreed
    until_at    timestamptz,    -- null: without end
    ends_at     timestamptz,    -- of an agreed one: the earlier of until_at and ended_at
    warns_from  timestamptz,
    ours        text NOT NULL,  -- none, claimed or proved: our yes to the terms shown
    theirs      text NOT NULL,
    contested   boolean NOT NULL,
    version     bytea,          -- whose terms are shown: what binds, else what is on the table
    terms       text COLLATE "C",
    terms_words text NOT NULL
);

CREATE TABLE {schema}.treaty_version (
    space          bytea NOT NULL,
    treaty         bytea NOT NULL,
    entry          bytea NOT NULL,
    place          integer NOT NULL,
    written_at     timestamptz,
    starts_at      timestamptz,
    until_at       timestamptz,
    warn_days      integer NOT NULL,
    ours           text NOT NULL,
    theirs         text NOT NULL,
    binds          boolean NOT NULL,
    on_table       boolean NOT NULL,
    contested      boolean NOT NULL,
    terms          text COLLATE "C",
    terms_words    text NOT NULL,
    evidence       text COLLATE "C",
    evidence_words text NOT NULL
);

CREATE TABLE {schema}.diplomatic_step (
    space   bytea NOT NULL,
    thing   bytea NOT NULL,  -- a contact or a treaty
    contact bytea NOT NULL,
    entry   bytea NOT NULL,
    at      timestamptz,
    act     text NOT NULL,   -- the event's type without its version
    side    text NOT NULL,
    said    text NOT NULL,
    member  bytea NOT NULL
);

ALTER TABLE {schema}.contact ALTER COLUMN note SET STATISTICS 0;
ALTER TABLE {schema}.treaty ALTER COLUMN terms SET STATISTICS 0;
ALTER TABLE {schema}.treaty_version ALTER COLUMN terms SET STATISTICS 0, ALTER COLUMN evidence SET STATISTICS 0;

-- indices
ALTER TABLE {schema}.contact ADD PRIMARY KEY (space, id);
CREATE INDEX contact_by_title ON {schema}.contact (space, title_lower, id);
CREATE INDEX contact_by_stance ON {schema}.contact (space, stance, id);
ALTER TABLE {schema}.treaty ADD PRIMARY KEY (space, id);
CREATE INDEX treaty_by_title ON {schema}.treaty (space, title_lower, id);
CREATE INDEX treaty_by_end ON {schema}.treaty (space, ends_at, id);
CREATE INDEX treaty_by_contact ON {schema}.treaty (space, contact, id);
ALTER TABLE {schema}.treaty_version ADD PRIMARY KEY (space, treaty, entry);
CREATE INDEX treaty_version_by_place ON {schema}.treaty_version (space, treaty, place);
ALTER TABLE {schema}.diplomatic_step ADD PRIMARY KEY (space, thing, entry);
CREATE INDEX diplomatic_step_by_time ON {schema}.diplomatic_step (space, contact, at, entry);
