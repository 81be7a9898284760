-- What this node's owner should know, and what he has read of it. Rows hold moments: what is due later is there already.
CREATE TABLE {schema}.notification (
    space      bytea NOT NULL,
    thing      bytea NOT NULL,  -- what it is about, or, of a fork, the first half of the log's id
    id         bytea NOT NULL,
    kind       text NOT NULL,
    at         timestamptz NOT NULL,  -- when it happened, or is due
    who        bytea,
    title      text COLLATE "C" NOT NULL,
    said       text COLLATE "C" NOT NULL,
    need_right text,            -- who has it is meant; null: the owner, whatever he may do
    me         bytea NOT NULL   -- as whom he reads
);

-- In his own space.
CREATE TABLE {schema}.notification_read (
    space        bytea NOT NULL,
    member       bytea NOT NULL,
    notification bytea NOT NULL
);

-- indices
ALTER TABLE {schema}.notification ADD PRIMARY KEY (space, thing, id);
CREATE INDEX notification_by_time ON {schema}.notification (at, id);
ALTER TABLE {schema}.notification_read ADD PRIMARY KEY (space, member, notification);
CREATE INDEX notification_read_by_id ON {schema}.notification_read (notification);
