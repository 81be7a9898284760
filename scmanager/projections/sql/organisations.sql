-- Organisations, what they are affiliated with, and their roles. {schema} is the generation's schema, live or shadow.
CREATE TABLE {schema}.organisation (
    space             bytea NOT NULL,
    id                bytea NOT NULL,
    title             text COLLATE "C" NOT NULL,
    title_lower       text COLLATE "C" NOT NULL,
    rival_titles      text[] NOT NULL,
    sid               text COLLATE "C" NOT NULL,
    archived          boolean NOT NULL,
    description       text COLLATE "C",
    description_words text NOT NULL  -- none, open, erased, not-here or unreadable: why the words are there or not
);

CREATE TABLE {schema}.affiliation (
    space        bytea NOT NULL,
    organisation bytea NOT NULL,
    other        bytea NOT NULL,
    title        text COLLATE "C" NOT NULL,
    title_lower  text COLLATE "C" NOT NULL
);

CREATE TABLE {schema}.role (
    space       bytea NOT NULL,
    id          bytea NOT NULL,
    title       text COLLATE "C" NOT NULL,
    title_lower text COLLATE "C" NOT NULL,
    rank        smallint NOT NULL,
    rights      text[] NOT NULL,
    withdrawn   boolean NOT NULL,
    contested   boolean NOT NULL
);

ALTER TABLE {schema}.organisation ALTER COLUMN description SET STATISTICS 0;

-- indices
ALTER TABLE {schema}.organisation ADD PRIMARY KEY (space, id);
CREATE INDEX organisation_by_title ON {schema}.organisation (title_lower, id);
ALTER TABLE {schema}.affiliation ADD PRIMARY KEY (space, organisation, other);
CREATE INDEX affiliation_by_title ON {schema}.affiliation (space, title_lower, other);
ALTER TABLE {schema}.role ADD PRIMARY KEY (space, id);
CREATE INDEX role_by_rank ON {schema}.role (space, rank, id);
CREATE INDEX role_by_title ON {schema}.role (space, title_lower, id);
