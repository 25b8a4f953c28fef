-- A value below the site's gate is of low confidence; what a series can be and how long it may stand still.
ALTER TABLE site ADD COLUMN confidence_gate double precision NOT NULL DEFAULT 0.95
    CHECK (confidence_gate > 0 AND confidence_gate <= 1);
COMMENT ON COLUMN site.confidence_gate IS 'a value of less coverage or completeness is of low confidence';
GRANT SELECT (confidence_gate) ON site TO haidang_kpi, haidang_api, haidang_grafana;

ALTER TABLE series ADD COLUMN flat_limit_us bigint CHECK (flat_limit_us > 0),
    ADD COLUMN valid_low double precision,
    ADD COLUMN valid_high double precision,
    ADD CONSTRAINT series_valid_range CHECK (valid_low < valid_high);
COMMENT ON COLUMN series.flat_limit_us IS 'the same value for longer while the machine produces is a flat line; null = an hour for sampled gauges, else none';
COMMENT ON COLUMN series.valid_low IS 'lower values cannot be: they are counted as out of range';

-- Public holidays as resolved dates, so that no computation depends on a library's version.
CREATE TABLE site_holiday (
    site_id     integer NOT NULL REFERENCES site,
    local_date  date NOT NULL,
    name        text NOT NULL DEFAULT '',
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_id, local_date)
);
COMMENT ON TABLE site_holiday IS 'no shift is worked on these dates unless a calendar exception opens one';
GRANT SELECT ON site_holiday TO haidang_kpi, haidang_api;

-- How good the readings of each series were in each production day; longer windows are sums.
CREATE TABLE series_quality (
    site_id         integer NOT NULL REFERENCES site,
    series_id       integer NOT NULL REFERENCES series,
    production_day  date NOT NULL,
    from_ts         timestamptz NOT NULL,
    to_ts           timestamptz NOT NULL CHECK (to_ts > from_ts),
    rows            bigint NOT NULL,
    received        bigint NOT NULL,
    expected        bigint NOT NULL,
    gaps            bigint NOT NULL,
    gap_us          bigint NOT NULL,
    longest_gap_us  bigint NOT NULL,
    flat_spans      bigint NOT NULL,
    flat_us         bigint NOT NULL,
    longest_flat_us bigint NOT NULL,
    out_of_range    bigint NOT NULL,
    resets          bigint NOT NULL,
    last_ts         timestamptz,
    PRIMARY KEY (series_id, production_day)
);
COMMENT ON COLUMN series_quality.to_ts IS 'end of the production day, or how far it had come';
COMMENT ON COLUMN series_quality.received IS 'readings with a usable value; the others of rows are bad or without a signal';
COMMENT ON COLUMN series_quality.expected IS 'zero = the series is not periodic: what it covers is the time outside gaps';
COMMENT ON COLUMN series_quality.gaps IS 'that begin in the day; gap_us and the others are parts inside it';
CREATE INDEX series_quality_day ON series_quality (site_id, production_day);
GRANT SELECT, INSERT, DELETE ON series_quality TO haidang_kpi;
GRANT SELECT ON series_quality TO haidang_api, haidang_grafana;

ALTER TABLE series_quality ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_visible_sites ON series_quality TO haidang_api USING (site_id = ANY (visible_sites()));
CREATE POLICY of_all_sites ON series_quality TO haidang_ingest, haidang_kpi, haidang_grafana USING (true) WITH CHECK (true);
