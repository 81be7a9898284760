-- How far a generation's read models are: written in the transaction that changes their rows, so each event counts
-- exactly once. One row a read model; the frontiers of the spaces beside.
CREATE TABLE {schema}.progress (
    model       text PRIMARY KEY,
    pos         bigint NOT NULL,
    generation  bigint NOT NULL,
    fingerprint text NOT NULL,     -- of the code that made the rows
    digest      numeric NOT NULL,  -- sum of the rows' hashes modulo 2^64: the same rows in any order have the same
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Words were hidden or erased, and their bytes may still lie in the server's files.
    clean_up_due boolean NOT NULL DEFAULT false
);

-- What could not be projected: the entity has no rows in that read model until it is tried again, with a later batch,
-- or at its next change, or by a rebuild.
CREATE TABLE {schema}.poison (
    model  text NOT NULL,
    space  bytea NOT NULL,
    entity bytea NOT NULL,
    error  text NOT NULL,  -- a class name, never data
    PRIMARY KEY (model, space, entity)
);

CREATE TABLE {schema}.frontier (
    space    bytea PRIMARY KEY,
    frontier bytea NOT NULL,
    pos      bigint NOT NULL,  -- of the batch that recorded it
    newest   bigint NOT NULL,  -- the newest entry of this space that has an audit row
    entry    bytea NOT NULL    -- and its id32: tells whether the store is still the same
);
