-- Corrections and derived data: everything here can be computed again from raw data, registry and annotations.

CREATE TABLE account (
    account_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    kind       text NOT NULL CHECK (kind IN ('service', 'person')),
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);

CREATE TABLE annotation (
    annotation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       integer NOT NULL REFERENCES site,
    asset_id      integer NOT NULL REFERENCES asset,
    from_ts       timestamptz NOT NULL,
    to_ts         timestamptz NOT NULL CHECK (to_ts > from_ts),
    reason_id     integer REFERENCES reason,
    product_id    integer REFERENCES product,
    note          text NOT NULL DEFAULT '',
    account_id    integer REFERENCES account,
    created_at    timestamptz NOT NULL DEFAULT now(),
    supersedes    bigint REFERENCES annotation,
    revoked       boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE annotation IS 'append-only; a row that supersedes another replaces it, a revoked one only takes it back';
CREATE INDEX annotation_time ON annotation (asset_id, from_ts);
CREATE INDEX annotation_supersedes ON annotation (supersedes);

CREATE TABLE config_snapshot (
    digest      text PRIMARY KEY,
    site_id     integer NOT NULL REFERENCES site,
    json        text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE config_snapshot IS 'canonical JSON (RFC 8785) of the registry in force, named by its SHA-256';

CREATE TABLE state_interval (
    site_id        integer NOT NULL,
    asset_id       integer NOT NULL,
    production_day date NOT NULL,
    from_ts        timestamptz NOT NULL,
    to_ts          timestamptz NOT NULL CHECK (to_ts > from_ts),
    time_class     text NOT NULL,
    sub_class      text NOT NULL DEFAULT '',
    reason         text NOT NULL DEFAULT '',
    state          text NOT NULL DEFAULT '',
    shift          text NOT NULL DEFAULT '',
    origin         text NOT NULL DEFAULT 'signal' CHECK (origin IN ('signal', 'record', 'annotation', 'calendar', 'none')),
    original_class     text,
    original_sub_class text,
    original_reason    text,
    PRIMARY KEY (asset_id, from_ts)
);
COMMENT ON COLUMN state_interval.original_reason IS 'what signals, events and orders said, where an annotation says otherwise; null elsewhere';
CREATE INDEX state_interval_day ON state_interval (site_id, production_day);

CREATE TABLE atom (
    site_id        integer NOT NULL,
    asset_id       integer NOT NULL,
    production_day date NOT NULL,
    hour           timestamptz NOT NULL,
    shift          text NOT NULL DEFAULT '',
    job            text NOT NULL DEFAULT '',
    product        text NOT NULL DEFAULT '',
    tariff_period  text NOT NULL DEFAULT '',
    quantity       text NOT NULL,
    qualifier      text NOT NULL DEFAULT '',
    time_class     text NOT NULL DEFAULT '',
    sub_class      text NOT NULL DEFAULT '',
    reason         text NOT NULL DEFAULT '',
    origin         text NOT NULL DEFAULT 'signal',
    duration_us    bigint,
    amount         double precision,
    revision       integer NOT NULL DEFAULT 1,
    CHECK ((duration_us IS NULL) <> (amount IS NULL))
);
COMMENT ON TABLE atom IS 'the finest additive pieces of one asset: hour, shift, job, product and tariff period intersected';
COMMENT ON COLUMN atom.hour IS 'start of the hour of the site''s clock that holds the piece';
CREATE INDEX atom_day ON atom (site_id, production_day, asset_id);

CREATE TABLE interval_series (
    site_id        integer NOT NULL,
    asset_id       integer NOT NULL,
    quantity       text NOT NULL,
    production_day date NOT NULL,
    from_ts        timestamptz NOT NULL,
    interval_us    bigint NOT NULL,
    value          double precision NOT NULL,
    PRIMARY KEY (asset_id, quantity, from_ts)
);
COMMENT ON TABLE interval_series IS 'e.g. active_power: mean kW of each demand interval of a meter';
CREATE INDEX interval_series_day ON interval_series (site_id, production_day);

CREATE TABLE carry_state (
    site_id        integer NOT NULL REFERENCES site,
    asset_id       integer NOT NULL REFERENCES asset,
    production_day date NOT NULL,
    payload        jsonb NOT NULL,
    digest         text NOT NULL,
    PRIMARY KEY (asset_id, production_day)
);
COMMENT ON TABLE carry_state IS 'what the next production day needs to know; another digest marks that day dirty';

CREATE TABLE kpi_value (
    kpi_value_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id            integer NOT NULL,
    asset_id           integer NOT NULL,
    product            text NOT NULL DEFAULT '',
    job                text NOT NULL DEFAULT '',
    shift              text NOT NULL DEFAULT '',
    kpi                text NOT NULL,
    variant            text NOT NULL DEFAULT '',
    grain              text NOT NULL CHECK (grain IN ('hour', 'shift', 'day', 'week', 'month', 'job', 'product')),
    window_start       timestamptz NOT NULL,
    window_end         timestamptz NOT NULL CHECK (window_end > window_start),
    production_day     date NOT NULL,
    value              double precision,
    numerator          double precision,
    denominator        double precision,
    coverage           double precision,
    completeness       double precision,
    status             text NOT NULL CHECK (status IN ('provisional', 'final', 'low_confidence', 'no_factor', 'no_tariff', 'no_ideal_cycle', 'no_data')),
    is_final           boolean NOT NULL,
    flags              text[] NOT NULL DEFAULT '{}',
    definition_version integer NOT NULL,
    factor_set         text,
    config_digest      text NOT NULL,
    inputs_digest      text NOT NULL,
    revision           integer NOT NULL DEFAULT 1,
    computed_at        timestamptz NOT NULL DEFAULT now(),
    superseded_at      timestamptz,
    cause              text[] NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN kpi_value.asset_id IS 'the scope: unit, line, area or the site''s own asset';
COMMENT ON COLUMN kpi_value.is_final IS 'false = replaced in place while the window is open';
COMMENT ON COLUMN kpi_value.production_day IS 'first production day of the window';
COMMENT ON COLUMN kpi_value.factor_set IS 'set of emission factors, or tariffs, that the value was made with';
CREATE UNIQUE INDEX kpi_value_current ON kpi_value
    (asset_id, kpi, variant, grain, production_day, window_start, shift, product, job) WHERE superseded_at IS NULL;
CREATE INDEX kpi_value_history ON kpi_value (asset_id, kpi, grain, window_start);
CREATE INDEX kpi_value_site_day ON kpi_value (site_id, production_day, grain) WHERE superseded_at IS NULL;

CREATE TABLE raw_day_digest (
    site_id        integer NOT NULL REFERENCES site,
    series_id      integer NOT NULL REFERENCES series,
    production_day date NOT NULL,
    series_key     text NOT NULL,
    from_ts        timestamptz NOT NULL,
    to_ts          timestamptz NOT NULL,
    rows           bigint NOT NULL,
    sha256         bytea NOT NULL CHECK (length(sha256) = 32),
    at             timestamptz NOT NULL DEFAULT now(),
    superseded_at  timestamptz
);
COMMENT ON TABLE raw_day_digest IS 'SHA-256 over ts int64 us, value f64, quality i16, little-endian, in order of time; written at day close';
CREATE UNIQUE INDEX raw_day_digest_current ON raw_day_digest (series_id, production_day) WHERE superseded_at IS NULL;

CREATE TABLE kpi_run (
    kpi_run_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     integer NOT NULL REFERENCES site,
    from_day    date NOT NULL,
    to_day      date NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    readings    bigint NOT NULL,
    values_new  bigint NOT NULL,
    values_revised bigint NOT NULL,
    finding     jsonb NOT NULL DEFAULT '[]'
);
COMMENT ON COLUMN kpi_run.finding IS 'what an engineer should look at: missing ideal cycles, anomalies, resets, ...';
