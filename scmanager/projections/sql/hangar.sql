-- Ships of members and of the organisation.
CREATE TABLE {schema}.ship (
    space           bytea NOT NULL,
    id              bytea NOT NULL,
    standing        text NOT NULL,
    removed_for     text,
    model           text COLLATE "C" NOT NULL,
    source          text NOT NULL,
    owner_kind      text,
    owner           bytea,
    rival_owners    bytea[] NOT NULL,
    readiness       text NOT NULL,
    claim_until     timestamptz,  -- when a claim is through: from then on the ship is ready
    borrower        bytea,
    loan            bytea,        -- the entry that began the loan that holds
    loan_until      timestamptz,
    rival_borrowers bytea[] NOT NULL,
    fleet           bytea,
    rival_fleets    bytea[] NOT NULL,
    nickname        text COLLATE "C",
    nickname_lower  text COLLATE "C",
    nickname_words  text NOT NULL  -- none, open, erased, not-here or unreadable
);

-- Ship lists that were taken in from files of other tools. The numbers are ships.
CREATE TABLE {schema}.hangar_import (
    space      bytea NOT NULL,
    id         bytea NOT NULL,
    tool       text COLLATE "C" NOT NULL,
    owner_kind text NOT NULL,
    owner      bytea NOT NULL,
    member     bytea NOT NULL,  -- who imported
    at         timestamptz,
    added      bigint NOT NULL,
    changed    bigint NOT NULL,
    removed    bigint NOT NULL,
    skipped    bigint NOT NULL,
    undone     boolean NOT NULL,
    undone_at  timestamptz,
    undone_by  bytea
);

ALTER TABLE {schema}.ship
    ALTER COLUMN nickname SET STATISTICS 0,
    ALTER COLUMN nickname_lower SET STATISTICS 0;

-- indices
ALTER TABLE {schema}.ship ADD PRIMARY KEY (space, id);
ALTER TABLE {schema}.hangar_import ADD PRIMARY KEY (space, id);
CREATE INDEX hangar_import_by_time ON {schema}.hangar_import (space, at, id);
CREATE INDEX ship_by_model ON {schema}.ship (space, model, id);
CREATE INDEX ship_by_readiness ON {schema}.ship (space, readiness, id);
CREATE INDEX ship_by_owner ON {schema}.ship (space, owner, id);
CREATE INDEX ship_by_fleet ON {schema}.ship (space, fleet, id) WHERE fleet IS NOT NULL;
CREATE INDEX ship_by_borrower ON {schema}.ship (space, borrower, id) WHERE borrower IS NOT NULL;
