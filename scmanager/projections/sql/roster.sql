-- The roster: everybody recorded, invited, joined or granted anything, with the grants that stand.
CREATE TABLE {schema}.member (
    space          bytea NOT NULL,
    id             bytea NOT NULL,
    standing       text NOT NULL,
    joined_at      timestamptz,
    invited_until  timestamptz,
    withdrawn      boolean NOT NULL,  -- the invitation was taken back
    join_contested boolean NOT NULL,
    removed_for    text,
    claimed_by     bytea,
    rival_claims   bytea[] NOT NULL,
    rank           bigint,            -- of the highest grant that stands; null: acts by none
    role           bytea,             -- the template of that grant
    rights         text[] NOT NULL,   -- of all grants that stand
    devices        integer NOT NULL,
    handle         text COLLATE "C",
    handle_lower   text COLLATE "C",
    display_name   text COLLATE "C",
    display_name_lower text COLLATE "C",
    profile_words  text NOT NULL,     -- none, open, erased, not-here or unreadable
    note           text COLLATE "C",
    note_words     text NOT NULL
);

ALTER TABLE {schema}.member
    ALTER COLUMN handle SET STATISTICS 0,
    ALTER COLUMN handle_lower SET STATISTICS 0,
    ALTER COLUMN display_name SET STATISTICS 0,
    ALTER COLUMN display_name_lower SET STATISTICS 0,
    ALTER COLUMN note SET STATISTICS 0;

-- indices
ALTER TABLE {schema}.member ADD PRIMARY KEY (space, id);
CREATE INDEX member_by_handle ON {schema}.member (space, handle_lower, id);
CREATE INDEX member_by_joined ON {schema}.member (space, joined_at, id);
CREATE INDEX member_by_rank ON {schema}.member (space, rank, id);
CREATE INDEX member_by_standing ON {schema}.member (space, standing, id);
CREATE INDEX member_by_claimed ON {schema}.member (space, claimed_by) WHERE claimed_by IS NOT NULL;
