-- Fleets and squadrons. Which ships fly with a fleet stands in ship.fleet; a squadron lists its ships and members.
CREATE TABLE {schema}.fleet (
    space        bytea NOT NULL,
    id           bytea NOT NULL,
    title        text COLLATE "C" NOT NULL,
    title_lower  text COLLATE "C" NOT NULL,
    rival_titles text[] NOT NULL,
    disbanded    boolean NOT NULL,
    lead         bytea,
    rival_leads  bytea[] NOT NULL
);

CREATE TABLE {schema}.squadron (
    space        bytea NOT NULL,
    id           bytea NOT NULL,
    fleet        bytea,  -- null: straight under the organisation
    title        text COLLATE "C" NOT NULL,
    title_lower  text COLLATE "C" NOT NULL,
    rival_titles text[] NOT NULL,
    disbanded    boolean NOT NULL,
    lead         bytea,
    rival_leads  bytea[] NOT NULL
);

CREATE TABLE {schema}.squadron_ship (
    space    bytea NOT NULL,
    squadron bytea NOT NULL,
    ship     bytea NOT NULL,
    place    integer NOT NULL  -- in the order they were enlisted, from 0
);

CREATE TABLE {schema}.squadron_member (
    space    bytea NOT NULL,
    squadron bytea NOT NULL,
    member   bytea NOT NULL,
    place    integer NOT NULL
);

-- indices
ALTER TABLE {schema}.fleet ADD PRIMARY KEY (space, id);
CREATE INDEX fleet_by_title ON {schema}.fleet (space, title_lower, id);
CREATE INDEX fleet_by_lead ON {schema}.fleet (space, lead) WHERE lead IS NOT NULL;
ALTER TABLE {schema}.squadron ADD PRIMARY KEY (space, id);
CREATE INDEX squadron_by_title ON {schema}.squadron (space, title_lower, id);
CREATE INDEX squadron_by_fleet ON {schema}.squadron (space, fleet, title_lower, id);
CREATE INDEX squadron_by_lead ON {schema}.squadron (space, lead) WHERE lead IS NOT NULL;
ALTER TABLE {schema}.squadron_ship ADD PRIMARY KEY (space, squadron, ship);
CREATE INDEX squadron_ship_by_place ON {schema}.squadron_ship (space, squadron, place);
CREATE INDEX squadron_ship_by_ship ON {schema}.squadron_ship (space, ship);
ALTER TABLE {schema}.squadron_member ADD PRIMARY KEY (space, squadron, member);
CREATE INDEX squadron_member_by_place ON {schema}.squadron_member (space, squadron, place);
CREATE INDEX squadron_member_by_member ON {schema}.squadron_member (space, member);
