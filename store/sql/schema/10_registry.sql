-- Registry: what the factory is. Every row that enters a KPI carries valid_from, valid_to (null = still in force) and
-- recorded_at; the state in force at a computation is kept as a content-addressed config_snapshot.

CREATE TABLE site (
    site_id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key                text NOT NULL UNIQUE CHECK (key ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    name               text NOT NULL,
    timezone           text NOT NULL,
    country            text NOT NULL DEFAULT 'VN',
    grid_zone          text,
    factor_set         text,
    day_start_local    time NOT NULL DEFAULT '00:00',
    demand_interval_us bigint NOT NULL DEFAULT 1800000000 CHECK (demand_interval_us > 0),
    lateness_us        bigint NOT NULL DEFAULT 86400000000 CHECK (lateness_us >= 0),
    person_key         bytea,
    most_series        integer CHECK (most_series > 0),
    most_values_per_s  integer CHECK (most_values_per_s > 0),
    origin             text NOT NULL DEFAULT 'local' CHECK (origin IN ('local', 'imported')),
    valid_from         timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    valid_to           timestamptz,
    recorded_at        timestamptz NOT NULL DEFAULT now(),
    gwp_set            text NOT NULL DEFAULT 'AR5' CHECK (gwp_set IN ('AR4', 'AR5', 'AR6')),
    fuel_set           text NOT NULL DEFAULT 'ipcc-2006',
    confidence_gate    double precision NOT NULL DEFAULT 0.95 CHECK (confidence_gate > 0 AND confidence_gate <= 1)
);
COMMENT ON COLUMN site.confidence_gate IS 'a value of less coverage or completeness is of low confidence';
COMMENT ON COLUMN site.gwp_set IS 'assessment report of the IPCC whose warming potentials are used for all gases';
COMMENT ON COLUMN site.fuel_set IS 'key of the factor set that the fuels are in';
COMMENT ON COLUMN site.grid_zone IS 'zone of the electricity emission factors, null = not known';
COMMENT ON COLUMN site.factor_set IS 'key of the emission factor set in use, null = none chosen';
COMMENT ON COLUMN site.day_start_local IS 'start of a production day that has no shift';
COMMENT ON COLUMN site.lateness_us IS 'how long after its end a window waits for late data before it is final';
COMMENT ON COLUMN site.person_key IS 'key of the pseudonyms that replace person fields at ingest';
COMMENT ON COLUMN site.most_series IS 'quota of registered series, null = none set';
COMMENT ON COLUMN site.most_values_per_s IS 'quota of values in a second, averaged over a minute, null = none set';

CREATE TABLE reason (
    reason_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       integer NOT NULL REFERENCES site,
    key           text NOT NULL,
    parent_id     integer REFERENCES reason,
    name_vi       text NOT NULL DEFAULT '',
    name_en       text NOT NULL DEFAULT '',
    time_class    text CHECK (time_class IN ('production', 'setup', 'delay', 'down_no_order', 'planned_down')),
    sub_class     text NOT NULL DEFAULT '' CHECK (sub_class IN ('', 'fault', 'starved', 'blocked', 'micro_stop', 'other')),
    loss_category text,
    valid_from    timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    valid_to      timestamptz,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (site_id, key)
);

CREATE TABLE asset (
    asset_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     integer NOT NULL REFERENCES site,
    key         text NOT NULL,
    parent_id   integer REFERENCES asset,
    level       text NOT NULL CHECK (level IN ('enterprise', 'site', 'area', 'line', 'unit')),
    kind        text NOT NULL DEFAULT '',
    name        text NOT NULL,
    status      text NOT NULL DEFAULT 'active' CHECK (status IN ('proposed', 'active', 'retired')),
    valid_from  timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    valid_to    timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (site_id, key)
);
COMMENT ON COLUMN asset.key IS 'path below the site (area/line/unit); the empty key is the site itself';

CREATE TABLE asset_setting (
    asset_id            integer NOT NULL REFERENCES asset,
    site_id             integer NOT NULL REFERENCES site,
    critical            boolean NOT NULL DEFAULT false,
    assume_order        boolean NOT NULL DEFAULT true,
    micro_stop_limit_us bigint NOT NULL DEFAULT 300000000 CHECK (micro_stop_limit_us >= 0),
    max_silence_us      bigint CHECK (max_silence_us > 0),
    state_model         text NOT NULL DEFAULT 'packml',
    roll_up             text NOT NULL DEFAULT 'sum' CHECK (roll_up IN ('sum', 'constraint', 'last', 'parallel')),
    constraint_key      text,
    valid_from          timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    valid_to            timestamptz,
    recorded_at         timestamptz NOT NULL DEFAULT now(),
    last_key            text,
    PRIMARY KEY (asset_id, valid_from),
    CHECK (roll_up <> 'constraint' OR constraint_key IS NOT NULL),
    CONSTRAINT asset_setting_last CHECK (roll_up <> 'last' OR last_key IS NOT NULL)
);
COMMENT ON COLUMN asset_setting.max_silence_us IS 'a unit silent for longer is unknown from then on; null = reports by exception';
COMMENT ON COLUMN asset_setting.roll_up IS 'how time and counts of the units below become the asset''s own';

CREATE TABLE asset_relation (
    site_id     integer NOT NULL REFERENCES site,
    from_asset  integer NOT NULL REFERENCES asset,
    to_asset    integer NOT NULL REFERENCES asset,
    kind        text NOT NULL CHECK (kind IN ('feeds', 'meters', 'submeter_of')),
    share       double precision NOT NULL DEFAULT 1 CHECK (share > 0 AND share <= 1),
    valid_from  timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    valid_to    timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (from_asset, to_asset, kind, valid_from)
);

CREATE TABLE device (
    device_id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id        integer NOT NULL REFERENCES site,
    asset_id       integer REFERENCES asset,
    key            text NOT NULL,
    protocol       text NOT NULL DEFAULT 'native' CHECK (protocol IN ('native', 'shdr', 'mapping', 'sparkplug', 'umh', 'mtconnect_xml', 'packml', 'number')),
    credential_ref text,
    tls            boolean,
    first_seen     timestamptz,
    last_seen      timestamptz,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (site_id, key)
);

CREATE TABLE device_session (
    site_id   integer NOT NULL REFERENCES site,
    device_id integer NOT NULL REFERENCES device,
    from_ts   timestamptz NOT NULL,
    to_ts     timestamptz CHECK (to_ts >= from_ts),
    how       text NOT NULL,
    PRIMARY KEY (device_id, from_ts)
);

CREATE TABLE series (
    series_id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id            integer NOT NULL REFERENCES site,
    asset_id           integer NOT NULL REFERENCES asset,
    device_id          integer REFERENCES device,
    name               text NOT NULL,
    quantity           text NOT NULL,
    qualifier          text NOT NULL DEFAULT '',
    unit               text NOT NULL DEFAULT '',
    kind               text NOT NULL CHECK (kind IN ('gauge', 'counter', 'delta', 'state')),
    expected_period_us bigint CHECK (expected_period_us > 0),
    max_gap_us         bigint CHECK (max_gap_us > 0),
    counter_rule       text NOT NULL DEFAULT 'reset' CHECK (counter_rule IN ('reset', 'rollover', 'false_zero')),
    counter_modulus    double precision CHECK (counter_modulus > 0),
    max_rate_per_s     double precision CHECK (max_rate_per_s > 0),
    interval_us        bigint CHECK (interval_us > 0),
    interval_label     text CHECK (interval_label IN ('start', 'end')),
    status             text NOT NULL DEFAULT 'proposed' CHECK (status IN ('proposed', 'active', 'retired')),
    valid_from         timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    valid_to           timestamptz,
    recorded_at        timestamptz NOT NULL DEFAULT now(),
    flat_limit_us      bigint CHECK (flat_limit_us > 0),
    valid_low          double precision,
    valid_high         double precision,
    CONSTRAINT series_valid_range CHECK (valid_low < valid_high),
    UNIQUE (asset_id, name),
    CHECK (counter_rule <> 'rollover' OR counter_modulus IS NOT NULL),
    CHECK (kind <> 'delta' OR (interval_us IS NOT NULL AND interval_label IS NOT NULL) OR status = 'proposed')
);
COMMENT ON COLUMN series.flat_limit_us IS 'the same value for longer while the machine produces is a flat line; null = an hour for sampled gauges, else none';
COMMENT ON COLUMN series.valid_low IS 'lower values cannot be: they are counted as out of range';
COMMENT ON COLUMN series.qualifier IS 'what the quantity is of: reject reason, medium, phase';
COMMENT ON COLUMN series.unit IS 'unit in which values are stored; ingest converts once';
COMMENT ON COLUMN series.max_rate_per_s IS 'a counter that rises faster is an anomaly, left out of KPIs and listed';
CREATE INDEX series_site ON series (site_id, status);

CREATE TABLE symbol (
    symbol_id  bigint PRIMARY KEY CHECK (symbol_id >= 0 AND symbol_id < 4503599627370496),
    text       text NOT NULL UNIQUE,
    brought_by integer
);
COMMENT ON TABLE symbol IS 'texts of state series; the id is the first 52 bits of SHA-256(text), so it is the same in every database';
COMMENT ON COLUMN symbol.brought_by IS 'the series that first said it, null = not known; it is bounded how many a series may bring';
CREATE INDEX symbol_brought_by ON symbol (brought_by);

CREATE TABLE state_map (
    state_map_id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id             integer NOT NULL REFERENCES site,
    asset_id            integer REFERENCES asset,
    state               text NOT NULL,
    mode                text NOT NULL DEFAULT '',
    time_class          text NOT NULL,
    sub_class           text NOT NULL DEFAULT '' CHECK (sub_class IN ('', 'fault', 'starved', 'blocked', 'micro_stop', 'other')),
    needs_parts         boolean NOT NULL DEFAULT false,
    reason              text NOT NULL DEFAULT '',
    valid_from          timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    valid_to            timestamptz,
    recorded_at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (site_id, asset_id, state, mode, valid_from),
    CONSTRAINT state_map_time_class_check CHECK (time_class IN ('production', 'setup', 'delay', 'down_no_order', 'planned_down',
        'not_scheduled', 'unknown'))
);
COMMENT ON TABLE state_map IS 'a site''s own state names; the listed state models (PackML, MTConnect, ...) come with the product';
COMMENT ON COLUMN state_map.needs_parts IS 'production only while parts are counted, else delay';

CREATE TABLE product (
    product_id  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     integer NOT NULL REFERENCES site,
    key         text NOT NULL,
    name        text NOT NULL DEFAULT '',
    unit        text NOT NULL DEFAULT 'piece',
    mass_kg     double precision CHECK (mass_kg > 0),
    valid_from  timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    valid_to    timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (site_id, key)
);

CREATE TABLE routing (
    routing_id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id          integer NOT NULL REFERENCES site,
    asset_id         integer REFERENCES asset,
    product_id       integer REFERENCES product,
    tool             text NOT NULL DEFAULT '',
    ideal_cycle_us   bigint NOT NULL CHECK (ideal_cycle_us > 0),
    pieces_per_cycle integer NOT NULL DEFAULT 1 CHECK (pieces_per_cycle > 0),
    source           text NOT NULL DEFAULT '',
    valid_from       timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    valid_to         timestamptz,
    recorded_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (site_id, asset_id, product_id, tool, valid_from)
);
COMMENT ON TABLE routing IS 'planned run time per cycle (PRI); the most specific row wins: asset and tool, product, then anything';

CREATE TABLE job (
    job_id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id          integer NOT NULL REFERENCES site,
    asset_id         integer NOT NULL REFERENCES asset,
    key              text NOT NULL,
    product_id       integer REFERENCES product,
    planned_quantity double precision,
    from_ts          timestamptz NOT NULL,
    to_ts            timestamptz CHECK (to_ts > from_ts),
    recorded_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (asset_id, key, from_ts)
);

CREATE TABLE shift_calendar (
    shift_calendar_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id           integer NOT NULL REFERENCES site,
    asset_id          integer REFERENCES asset,
    shift             text NOT NULL,
    anchor_date       date NOT NULL DEFAULT '1970-01-05',
    cycle_days        integer NOT NULL DEFAULT 7 CHECK (cycle_days > 0),
    cycle_day         integer NOT NULL CHECK (cycle_day >= 0),
    start_local       time NOT NULL,
    end_local         time NOT NULL,
    valid_from        date NOT NULL DEFAULT '1970-01-01',
    valid_to          date,
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    CHECK (cycle_day < cycle_days),
    UNIQUE NULLS NOT DISTINCT (site_id, asset_id, shift, anchor_date, cycle_days, cycle_day, start_local, valid_from)
);
COMMENT ON TABLE shift_calendar IS 'one row per shift and day of the cycle (7 days from a Monday: 0 = Monday); an end not after its start is on the next day';

CREATE TABLE calendar_exception (
    calendar_exception_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id               integer NOT NULL REFERENCES site,
    asset_id              integer REFERENCES asset,
    local_date            date NOT NULL,
    kind                  text NOT NULL CHECK (kind IN ('closed', 'open')),
    shift                 text NOT NULL DEFAULT '',
    start_local           time,
    end_local             time,
    note                  text NOT NULL DEFAULT '',
    recorded_at           timestamptz NOT NULL DEFAULT now(),
    CHECK (kind = 'closed' OR (start_local IS NOT NULL AND end_local IS NOT NULL AND shift <> '')),
    UNIQUE NULLS NOT DISTINCT (site_id, asset_id, local_date, kind, shift)
);
COMMENT ON TABLE calendar_exception IS 'closed: no shift (or not that shift) on the date; open: this shift is worked on the date, overtime included';

CREATE TABLE planned_stop (
    planned_stop_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id         integer NOT NULL REFERENCES site,
    asset_id        integer REFERENCES asset,
    key             text NOT NULL,
    reason          text NOT NULL DEFAULT '',
    from_ts         timestamptz,
    to_ts           timestamptz,
    shift           text,
    start_local     time,
    end_local       time,
    valid_from      date NOT NULL DEFAULT '1970-01-01',
    valid_to        date,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    CHECK ((from_ts IS NOT NULL AND to_ts > from_ts AND start_local IS NULL AND end_local IS NULL)
        OR (from_ts IS NULL AND to_ts IS NULL AND start_local IS NOT NULL AND end_local IS NOT NULL)),
    UNIQUE NULLS NOT DISTINCT (site_id, asset_id, key, valid_from)
);
COMMENT ON TABLE planned_stop IS 'once (from_ts, to_ts) or in every shift of that key (null = all) between two local wall times';

CREATE TABLE target (
    target_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     integer NOT NULL REFERENCES site,
    asset_id    integer REFERENCES asset,
    kpi         text NOT NULL,
    value       double precision NOT NULL,
    source      text NOT NULL DEFAULT '',
    valid_from  timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    valid_to    timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (site_id, asset_id, kpi, valid_from)
);

CREATE TABLE baseline (
    baseline_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     integer NOT NULL REFERENCES site,
    asset_id    integer NOT NULL REFERENCES asset,
    kpi         text NOT NULL,
    model       jsonb NOT NULL,
    source      text NOT NULL DEFAULT '',
    valid_from  date NOT NULL,
    valid_to    date,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    version     integer NOT NULL CHECK (version > 0),
    digest      text NOT NULL,
    reason      text NOT NULL,
    CONSTRAINT baseline_version UNIQUE (asset_id, kpi, version)
);
COMMENT ON TABLE baseline IS 'append-only: a new fit is a new version, in force from its date';
COMMENT ON COLUMN baseline.digest IS 'SHA-256 of the model as canonical JSON';
COMMENT ON COLUMN baseline.reason IS 'the documented change of static factors that asked for a new fit';

CREATE TABLE spec_limit (
    spec_limit_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       integer NOT NULL REFERENCES site,
    series_id     integer REFERENCES series,
    product_id    integer REFERENCES product,
    characteristic text NOT NULL,
    lower_limit   double precision,
    upper_limit   double precision,
    unit          text NOT NULL DEFAULT '',
    valid_from    timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    valid_to      timestamptz,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    subgroup_size integer CHECK (subgroup_size >= 2),
    CHECK (lower_limit IS NOT NULL OR upper_limit IS NOT NULL)
);
COMMENT ON COLUMN spec_limit.series_id IS 'the limits are of the readings of this series; null = of the values of inspection records';
COMMENT ON COLUMN spec_limit.subgroup_size IS 'readings that make a subgroup, one after the other; null = the product''s default';

CREATE TABLE factor_set (
    factor_set_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       integer REFERENCES site,
    key           text NOT NULL,
    version       integer NOT NULL DEFAULT 1 CHECK (version > 0),
    name          text NOT NULL,
    source        text NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (site_id, key, version)
);
COMMENT ON COLUMN factor_set.site_id IS 'null = shipped with the product';

CREATE TABLE emission_factor (
    factor_set_id integer NOT NULL REFERENCES factor_set,
    zone          text NOT NULL,
    carrier       text NOT NULL DEFAULT 'electricity',
    basis         text NOT NULL DEFAULT 'location' CHECK (basis IN ('location', 'market', 'residual')),
    valid_from    date NOT NULL,
    valid_to      date NOT NULL,
    kg_per_unit   double precision NOT NULL CHECK (kg_per_unit >= 0),
    unit          text NOT NULL DEFAULT 'kWh',
    status        text NOT NULL CHECK (status IN ('official', 'estimate', 'own')),
    origin        text NOT NULL CHECK (origin IN ('stated', 'inferred', 'default')),
    source        text NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (valid_to > valid_from),
    PRIMARY KEY (factor_set_id, zone, carrier, basis, valid_from)
);

CREATE TABLE tariff (
    tariff_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     integer NOT NULL REFERENCES site,
    key         text NOT NULL,
    periods     jsonb NOT NULL,
    prices      jsonb NOT NULL DEFAULT '{}',
    currency    text NOT NULL DEFAULT 'VND',
    vat_rate    double precision,
    source      text NOT NULL,
    origin      text NOT NULL CHECK (origin IN ('stated', 'inferred', 'default')),
    valid_from  date NOT NULL,
    valid_to    date,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    voltage_kv  double precision CHECK (voltage_kv > 0),
    subscribed_kw double precision CHECK (subscribed_kw > 0),
    demand_price double precision CHECK (demand_price >= 0),
    UNIQUE (site_id, key, valid_from)
);
COMMENT ON COLUMN tariff.demand_price IS 'of a two-part tariff: per kW of the highest demand of a month, without VAT; null = none';
COMMENT ON COLUMN tariff.periods IS 'list of {period, weekdays: [0..6], start, end}: local wall times, half-open';

CREATE TABLE energy_contract (
    energy_contract_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id            integer NOT NULL REFERENCES site,
    key                text NOT NULL,
    kind               text NOT NULL,
    amount_kwh         double precision,
    kg_per_kwh         double precision NOT NULL,
    source             text NOT NULL,
    valid_from         date NOT NULL,
    valid_to           date,
    recorded_at        timestamptz NOT NULL DEFAULT now(),
    share              double precision CHECK (share > 0 AND share <= 1),
    criteria           text[] NOT NULL DEFAULT '{}',
    UNIQUE (site_id, key, valid_from),
    CONSTRAINT energy_contract_covers CHECK ((amount_kwh IS NULL) <> (share IS NULL)),
    CONSTRAINT energy_contract_period CHECK (valid_to > valid_from AND (share IS NOT NULL OR valid_to IS NOT NULL))
);
COMMENT ON COLUMN energy_contract.criteria IS 'quality criteria that it meets; one that misses any is not used';

CREATE TABLE business_record (
    business_record_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id            integer NOT NULL REFERENCES site,
    kind               text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,39}$'),
    key                text NOT NULL,
    from_ts            timestamptz NOT NULL,
    to_ts              timestamptz CHECK (to_ts >= from_ts),
    payload            jsonb NOT NULL,
    source             text NOT NULL,
    recorded_at        timestamptz NOT NULL DEFAULT now(),
    UNIQUE (site_id, kind, key, recorded_at)
);
CREATE INDEX business_record_end ON business_record (site_id, to_ts);

CREATE TABLE person (
    person_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     integer NOT NULL REFERENCES site,
    pseudonym   text NOT NULL,
    name        text,
    erased_at   timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (site_id, pseudonym)
);
COMMENT ON TABLE person IS 'the only table with names of people; a name can be erased, the pseudonym stays';
