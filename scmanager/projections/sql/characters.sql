-- Characters that are seen, and which one each player calls the main one. `character` is a type of SQL, so: persona.
CREATE TABLE {schema}.persona (
    space        bytea NOT NULL,
    id           bytea NOT NULL,
    player       bytea NOT NULL,
    place        bytea NOT NULL, -- id, then player: two may show one id, and neither is the other's
    fate         text,           -- null: it is played
    name_lower   text COLLATE "C",
    name         text COLLATE "C",
    occupation   text COLLATE "C",
    origin       text COLLATE "C",
    background   text COLLATE "C",
    words        text NOT NULL,  -- none, open, erased, not-here or unreadable
    body         text COLLATE "C", -- of its sheet, as it was when it was shown
    body_words   text NOT NULL,  -- none: its player shows no text
    body_at      timestamptz,
    rival_sheets bytea[] NOT NULL
);

CREATE TABLE {schema}.persona_sheet (
    space      bytea NOT NULL,
    persona    bytea NOT NULL,
    player     bytea NOT NULL,
    entry      bytea NOT NULL,
    written_at timestamptz,
    stands     boolean NOT NULL, -- until somebody decides
    name       text COLLATE "C",
    occupation text COLLATE "C",
    origin     text COLLATE "C",
    background text COLLATE "C",
    words      text NOT NULL
);

CREATE TABLE {schema}.main_persona (
    space        bytea NOT NULL,
    member       bytea NOT NULL,
    persona      bytea NOT NULL,
    rivals       bytea[] NOT NULL
);

ALTER TABLE {schema}.persona
    ALTER COLUMN name_lower SET STATISTICS 0,
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN occupation SET STATISTICS 0,
    ALTER COLUMN origin SET STATISTICS 0,
    ALTER COLUMN background SET STATISTICS 0,
    ALTER COLUMN body SET STATISTICS 0;
ALTER TABLE {schema}.persona_sheet
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN occupation SET STATISTICS 0,
    ALTER COLUMN origin SET STATISTICS 0,
    ALTER COLUMN background SET STATISTICS 0;

-- indices
ALTER TABLE {schema}.persona ADD PRIMARY KEY (space, place);
CREATE INDEX persona_by_id ON {schema}.persona (space, id);
CREATE INDEX persona_by_name ON {schema}.persona (space, name_lower, place);
CREATE INDEX persona_by_player ON {schema}.persona (space, player, place);
ALTER TABLE {schema}.persona_sheet ADD PRIMARY KEY (space, persona, entry);
ALTER TABLE {schema}.main_persona ADD PRIMARY KEY (space, member);
