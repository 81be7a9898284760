-- Operations: plan, slots, who answered what, who was there, and every text that was written of them.
CREATE TABLE {schema}.operation (
    space           bytea NOT NULL,
    id              bytea NOT NULL,
    title           text COLLATE "C" NOT NULL,
    title_lower     text COLLATE "C" NOT NULL,
    rival_titles    text[] NOT NULL,
    template        boolean NOT NULL,
    starts          timestamptz,  -- null: a template
    ends            timestamptz,
    length_s        bigint NOT NULL,
    zone            text COLLATE "C" NOT NULL,
    rival_windows   text[] NOT NULL,  -- start/end zone
    stage           text NOT NULL,
    outcome         text,
    cancel_reason   text,
    rival_stages    text[] NOT NULL,
    lead            bytea,
    rival_leads     bytea[] NOT NULL,
    series          bytea,
    reminders       bigint[] NOT NULL,  -- seconds before the beginning
    crew_most       integer NOT NULL,
    places          integer,  -- null: any number
    crew            integer NOT NULL,
    waiting         integer NOT NULL,
    tentative       integer NOT NULL,
    reserve         integer NOT NULL,
    declined        integer NOT NULL,
    open_crew_slots integer NOT NULL,
    open_ship_slots integer NOT NULL,
    contested       boolean NOT NULL,
    objective       bytea,  -- the entry of a text, perhaps of the operation it was copied from
    cancellation    bytea
);

CREATE TABLE {schema}.operation_text (
    space     bytea NOT NULL,
    operation bytea NOT NULL,
    entry     bytea NOT NULL,
    kind      text NOT NULL,
    place     bigint NOT NULL,  -- in fold order, from 0
    standing  text NOT NULL,    -- holds, rival or replaced
    member    bytea NOT NULL,
    at        timestamptz,
    body      text COLLATE "C",
    meets     text COLLATE "C",
    words     text NOT NULL  -- none, open, erased, not-here or unreadable
);

ALTER TABLE {schema}.operation_text
    ALTER COLUMN body SET STATISTICS 0,
    ALTER COLUMN meets SET STATISTICS 0;

CREATE TABLE {schema}.operation_squad (
    space       bytea NOT NULL,
    operation   bytea NOT NULL,
    id          bytea NOT NULL,
    title       text COLLATE "C" NOT NULL,
    title_lower text COLLATE "C" NOT NULL
);

CREATE TABLE {schema}.operation_ship_slot (
    space       bytea NOT NULL,
    operation   bytea NOT NULL,
    id          bytea NOT NULL,
    place       bigint NOT NULL,  -- in the order they were added, from 0
    title       text COLLATE "C" NOT NULL,
    models      text[] NOT NULL,  -- none: any
    squad       bytea,
    optional    boolean NOT NULL,
    ship        bytea,
    rival_ships bytea[] NOT NULL
);

CREATE TABLE {schema}.operation_crew_slot (
    space         bytea NOT NULL,
    operation     bytea NOT NULL,
    id            bytea NOT NULL,
    place         bigint NOT NULL,
    role          text COLLATE "C" NOT NULL,
    aboard        bytea,
    squad         bytea,
    optional      boolean NOT NULL,
    member        bytea,
    rival_members bytea[] NOT NULL
);

CREATE TABLE {schema}.operation_sign_up (
    space     bytea NOT NULL,
    operation bytea NOT NULL,
    member    bytea NOT NULL,
    place     bigint NOT NULL,  -- in the order in which answers count, from 0
    answer    text NOT NULL,
    standing  text NOT NULL,    -- crew, waiting, tentative, reserve or declined
    roles     text[] NOT NULL,
    own       boolean NOT NULL,
    entry     bytea NOT NULL,
    at        timestamptz
);

CREATE TABLE {schema}.operation_check_in (
    space     bytea NOT NULL,
    operation bytea NOT NULL,
    member    bytea NOT NULL,
    place     bigint NOT NULL,
    at        timestamptz,
    entry     bytea NOT NULL
);

CREATE TABLE {schema}.operation_snapshot (
    space     bytea NOT NULL,
    operation bytea NOT NULL,
    id        bytea NOT NULL,
    at        timestamptz,
    members   bytea[] NOT NULL
);

-- indices
ALTER TABLE {schema}.operation ADD PRIMARY KEY (space, id);
CREATE INDEX operation_by_start ON {schema}.operation (space, starts, id);
CREATE INDEX operation_by_title ON {schema}.operation (space, title_lower, id);
CREATE INDEX operation_by_series ON {schema}.operation (space, series, starts) WHERE series IS NOT NULL;
ALTER TABLE {schema}.operation_text ADD PRIMARY KEY (space, operation, entry);
CREATE INDEX operation_text_by_entry ON {schema}.operation_text (space, entry);
ALTER TABLE {schema}.operation_squad ADD PRIMARY KEY (space, operation, id);
ALTER TABLE {schema}.operation_ship_slot ADD PRIMARY KEY (space, operation, id);
CREATE INDEX operation_ship_slot_by_ship ON {schema}.operation_ship_slot (space, ship) WHERE ship IS NOT NULL;
ALTER TABLE {schema}.operation_crew_slot ADD PRIMARY KEY (space, operation, id);
CREATE INDEX operation_crew_slot_by_member ON {schema}.operation_crew_slot (space, member) WHERE member IS NOT NULL;
ALTER TABLE {schema}.operation_sign_up ADD PRIMARY KEY (space, operation, member);
CREATE INDEX operation_sign_up_by_member ON {schema}.operation_sign_up (member, space);  -- not mistaken for the key
ALTER TABLE {schema}.operation_check_in ADD PRIMARY KEY (space, operation, member);
CREATE INDEX operation_check_in_by_member ON {schema}.operation_check_in (member, space);  -- not mistaken for the key
ALTER TABLE {schema}.operation_snapshot ADD PRIMARY KEY (space, operation, id);
