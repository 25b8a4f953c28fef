-- Raw data, append-only: what the machines said, and what happened to each message.

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        CREATE TABLE reading (
            ts        timestamptz NOT NULL,
            series_id integer NOT NULL,
            value     double precision,
            quality   smallint NOT NULL DEFAULT 0
        );
        PERFORM create_hypertable('reading', by_range('ts', interval '1 day'), create_default_indexes => false);
    ELSE
        CREATE TABLE reading (
            ts        timestamptz NOT NULL,
            series_id integer NOT NULL,
            value     double precision,
            quality   smallint NOT NULL DEFAULT 0
        ) PARTITION BY RANGE (ts);
    END IF;
END
$$;
CREATE UNIQUE INDEX reading_key ON reading (series_id, ts);

-- The Community edition keeps old days as columns; the Apache edition and plain PostgreSQL do without.
DO $$
BEGIN
    IF current_setting('timescaledb.license', true) = 'timescale' THEN
        ALTER TABLE reading SET (timescaledb.enable_columnstore = true,
            timescaledb.segmentby = 'series_id', timescaledb.orderby = 'ts');
        CALL add_columnstore_policy('reading', after => interval '14 days');
    END IF;
END
$$;

CREATE TABLE event (
    site_id  integer NOT NULL REFERENCES site,
    asset_id integer NOT NULL REFERENCES asset,
    ts       timestamptz NOT NULL,
    kind     text NOT NULL,
    key      text NOT NULL DEFAULT '',
    from_ts  timestamptz,
    to_ts    timestamptz,
    payload  jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (asset_id, kind, key, ts),
    CHECK (to_ts IS NULL OR to_ts >= from_ts)
);
COMMENT ON COLUMN event.kind IS 'product_change, job_change, alarm, stop_reason, production_run';
CREATE INDEX event_site_time ON event (site_id, ts);

CREATE TABLE reading_conflict (
    reading_conflict_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     integer NOT NULL REFERENCES site,
    series_id   integer REFERENCES series,
    asset_id    integer REFERENCES asset,
    event_kind  text,
    event_key   text,
    ts          timestamptz NOT NULL,
    stored      jsonb NOT NULL,
    received    jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((series_id IS NULL) <> (event_kind IS NULL))
);
COMMENT ON TABLE reading_conflict IS 'another value for a stored key: the first stays, the later one is kept here';
-- A conflict that is delivered again is the same one.
CREATE UNIQUE INDEX reading_conflict_key
    ON reading_conflict (series_id, asset_id, event_kind, event_key, ts, md5(received::text)) NULLS NOT DISTINCT;
CREATE INDEX reading_conflict_site ON reading_conflict (site_id, ts);

CREATE TABLE rejected_message (
    rejected_message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     integer REFERENCES site,
    device_id   integer REFERENCES device,
    topic       text NOT NULL,
    payload     bytea NOT NULL,
    payload_bytes bigint NOT NULL,
    reason      text NOT NULL,
    detail      text NOT NULL,
    whole       boolean NOT NULL DEFAULT true,
    first_at    timestamptz NOT NULL DEFAULT now(),
    last_at     timestamptz NOT NULL DEFAULT now(),
    times       integer NOT NULL DEFAULT 1,
    digest      bytea NOT NULL UNIQUE,
    status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replayed', 'dismissed'))
);
COMMENT ON COLUMN rejected_message.digest IS 'SHA-256 over topic, a zero byte and the whole payload';
COMMENT ON COLUMN rejected_message.payload IS 'at most the first 64 KiB; payload_bytes tells the whole size';
COMMENT ON COLUMN rejected_message.whole IS 'false = some values of the message were stored';
CREATE INDEX rejected_message_site ON rejected_message (site_id, last_at DESC);

CREATE TABLE replay_request (
    replay_request_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rejected_message_id bigint NOT NULL REFERENCES rejected_message,
    site_id             integer REFERENCES site,
    account_id          integer,
    requested_at        timestamptz NOT NULL DEFAULT now(),
    done_at             timestamptz,
    outcome             text
);

CREATE TABLE ledger_delta (
    at              timestamptz NOT NULL DEFAULT now(),
    hour            timestamptz NOT NULL,
    site_id         integer,
    device_id       integer,
    received        bigint NOT NULL DEFAULT 0,
    processed       bigint NOT NULL DEFAULT 0,
    rejected        bigint NOT NULL DEFAULT 0,
    redelivered     bigint NOT NULL DEFAULT 0,
    decoded         bigint NOT NULL DEFAULT 0,
    stored          bigint NOT NULL DEFAULT 0,
    duplicate       bigint NOT NULL DEFAULT 0,
    conflict        bigint NOT NULL DEFAULT 0,
    rejected_value  bigint NOT NULL DEFAULT 0,
    ignored         bigint NOT NULL DEFAULT 0,
    missing_seq     bigint NOT NULL DEFAULT 0,
    latency_ms      bigint[] NOT NULL DEFAULT '{}',
    skew_ms         bigint[] NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE ledger_delta IS 'one row per batch, device and hour of receipt, written with the batch; folded into ledger';
COMMENT ON COLUMN ledger_delta.latency_ms IS 'histogram: counts per bucket of model.ledger.LATENCY_BOUNDS_MS, the last is above all bounds';
CREATE INDEX ledger_delta_hour ON ledger_delta (hour);

CREATE TABLE ledger (
    hour            timestamptz NOT NULL,
    site_id         integer,
    device_id       integer,
    received        bigint NOT NULL,
    processed       bigint NOT NULL,
    rejected        bigint NOT NULL,
    redelivered     bigint NOT NULL,
    decoded         bigint NOT NULL,
    stored          bigint NOT NULL,
    duplicate       bigint NOT NULL,
    conflict        bigint NOT NULL,
    rejected_value  bigint NOT NULL,
    ignored         bigint NOT NULL,
    missing_seq     bigint NOT NULL,
    latency_ms      bigint[] NOT NULL,
    skew_ms         bigint[] NOT NULL,
    UNIQUE NULLS NOT DISTINCT (site_id, device_id, hour),
    CHECK (received = processed + rejected + redelivered),
    CHECK (decoded = stored + duplicate + conflict + rejected_value)
);

CREATE FUNCTION add_histograms(a bigint[], b bigint[]) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(array_agg(coalesce(a[i], 0) + coalesce(b[i], 0) ORDER BY i), '{}')
            FROM generate_series(1, greatest(cardinality(a), cardinality(b))) AS i);

CREATE AGGREGATE sum_histogram(bigint[]) (SFUNC = add_histograms, STYPE = bigint[], INITCOND = '{}');

CREATE VIEW ledger_now WITH (security_barrier) AS
SELECT hour, site_id, device_id,
       sum(received)::bigint AS received, sum(processed)::bigint AS processed, sum(rejected)::bigint AS rejected,
       sum(redelivered)::bigint AS redelivered, sum(decoded)::bigint AS decoded, sum(stored)::bigint AS stored,
       sum(duplicate)::bigint AS duplicate, sum(conflict)::bigint AS conflict,
       sum(rejected_value)::bigint AS rejected_value, sum(ignored)::bigint AS ignored,
       sum(missing_seq)::bigint AS missing_seq,
       sum_histogram(latency_ms) AS latency_ms, sum_histogram(skew_ms) AS skew_ms
FROM (
    SELECT hour, site_id, device_id, received, processed, rejected, redelivered, decoded, stored, duplicate, conflict,
           rejected_value, ignored, missing_seq, latency_ms, skew_ms FROM ledger
    UNION ALL
    SELECT hour, site_id, device_id, received, processed, rejected, redelivered, decoded, stored, duplicate, conflict,
           rejected_value, ignored, missing_seq, latency_ms, skew_ms FROM ledger_delta
) AS both_parts
GROUP BY hour, site_id, device_id;

-- Moves the deltas seen now into the ledger, exactly once, in the caller's transaction.
CREATE FUNCTION fold_ledger() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    folded bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('haidang.fold_ledger'));
    WITH taken AS (
        DELETE FROM ledger_delta RETURNING *
    ), summed AS (
        INSERT INTO ledger AS l
        SELECT hour, site_id, device_id, sum(received), sum(processed), sum(rejected), sum(redelivered), sum(decoded),
               sum(stored), sum(duplicate), sum(conflict), sum(rejected_value), sum(ignored), sum(missing_seq),
               sum_histogram(latency_ms), sum_histogram(skew_ms)
        FROM taken GROUP BY hour, site_id, device_id
        ON CONFLICT (site_id, device_id, hour) DO UPDATE SET
            received = l.received + excluded.received, processed = l.processed + excluded.processed,
            rejected = l.rejected + excluded.rejected, redelivered = l.redelivered + excluded.redelivered,
            decoded = l.decoded + excluded.decoded, stored = l.stored + excluded.stored,
            duplicate = l.duplicate + excluded.duplicate, conflict = l.conflict + excluded.conflict,
            rejected_value = l.rejected_value + excluded.rejected_value, ignored = l.ignored + excluded.ignored,
            missing_seq = l.missing_seq + excluded.missing_seq,
            latency_ms = add_histograms(l.latency_ms, excluded.latency_ms),
            skew_ms = add_histograms(l.skew_ms, excluded.skew_ms)
    )
    SELECT count(*) INTO folded FROM taken;
    RETURN folded;
END
$$;

CREATE TABLE dirty_mark (
    dirty_mark_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       integer NOT NULL REFERENCES site,
    asset_id      integer REFERENCES asset,
    from_ts       timestamptz NOT NULL,
    to_ts         timestamptz NOT NULL CHECK (to_ts > from_ts),
    cause         text NOT NULL CHECK (cause IN ('data', 'late_data', 'annotation', 'calendar', 'registry', 'mapping', 'definition', 'factor_set', 'carry')),
    at            timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE dirty_mark IS 'half-open UTC ranges whose KPIs must be computed again; asset_id null = the whole site';
CREATE INDEX dirty_mark_site ON dirty_mark (site_id, from_ts);

-- Makes sure that readings of the half-open range have somewhere to go. On TimescaleDB chunks appear by themselves.
CREATE FUNCTION ensure_partitions(from_ts timestamptz, to_ts timestamptz) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    day   date := (from_ts AT TIME ZONE 'UTC')::date;
    made  integer := 0;
    part  text;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'reading'::regclass) <> 'p' THEN
        RETURN 0;
    END IF;
    WHILE day::timestamp AT TIME ZONE 'UTC' < to_ts LOOP
        part := 'reading_' || to_char(day, 'YYYYMMDD');
        IF to_regclass(part) IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtext('haidang.ensure_partitions'));
            EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF reading FOR VALUES FROM (%L) TO (%L)',
                           part, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
            made := made + 1;
        END IF;
        day := day + 1;
    END LOOP;
    RETURN made;
END
$$;
