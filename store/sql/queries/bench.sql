-- What the ingest benchmark prepares and counts.

-- name: add_site
-- The site of the benchmark.
INSERT INTO site (key, name, timezone) VALUES (%(key)s, 'Benchmark', 'Asia/Ho_Chi_Minh') ON CONFLICT DO NOTHING

-- name: empty
-- Make room for the next run.
TRUNCATE reading, ledger_delta, ledger, dirty_mark

-- name: stored
-- Readings that are there.
SELECT count(*) FROM reading

-- name: difference
-- Values of the load that are not stored, and stored ones that are none of it or too many, each by key and value.
WITH known AS (
    SELECT asset.key AS asset, series.name, series_id FROM series JOIN asset USING (asset_id)
), sent AS (
    SELECT known.series_id,
           timestamptz '1970-01-01 00:00+00' + (%(start_ms)s::bigint + n / %(devices)s) * interval '1 millisecond' AS ts,
           ((n * 7 + named.at - 1) %% 1000)::double precision / 10 AS value
    FROM generate_series(0, %(messages)s::bigint - 1) AS n
    CROSS JOIN unnest(%(names)s::text[]) WITH ORDINALITY AS named (name, at)
    LEFT JOIN known ON known.asset = (%(assets)s::text[])[n %% %(devices)s + 1] AND known.name = named.name
), lost AS (
    SELECT series_id, ts, value FROM sent EXCEPT ALL SELECT series_id, ts, value FROM reading
), surplus AS (
    SELECT series_id, ts, value FROM reading EXCEPT ALL SELECT series_id, ts, value FROM sent
)
SELECT (SELECT count(*) FROM lost), (SELECT count(*) FROM surplus)

-- name: processed
-- Messages that are accounted for.
SELECT coalesce(sum(received), 0)::bigint FROM ledger_delta

-- name: probes
-- Numbers of the latency's probe above one that was seen.
SELECT value FROM reading
WHERE series_id = (SELECT series_id FROM series WHERE name = 'probe')
  AND ts > now() - interval '2 minutes' AND value > %(after)s
ORDER BY value

-- name: touch_series
-- Change so many series, some in use.
UPDATE series SET recorded_at = now()
WHERE series_id IN (SELECT series_id FROM series ORDER BY md5(series_id::text || now()::text) LIMIT %(count)s)

-- name: forget_marks
-- The registry was made before there were readings: nothing is dirty yet.
DELETE FROM dirty_mark

-- name: add_symbol
-- A state of the benchmark's machines.
INSERT INTO symbol VALUES (%(id)s, %(text)s) ON CONFLICT DO NOTHING

-- name: add_mark
-- What ingest says of the readings that were stored.
INSERT INTO dirty_mark (site_id, asset_id, from_ts, to_ts, cause)
VALUES (%(site_id)s, NULL, %(from_ts)s, %(to_ts)s, 'data')

-- name: copy_readings
-- Readings in COPY's binary form.
COPY reading (ts, series_id, value, quality) FROM STDIN (FORMAT binary)

-- name: drop_key
-- Many readings are stored at once.
DROP INDEX reading_key

-- name: much_memory
-- Sorts the readings of a day without the disk, as long as they are a few million.
SET maintenance_work_mem = '512MB'

-- name: make_key
-- As the schema has it.
CREATE UNIQUE INDEX reading_key ON reading (series_id, ts)

-- name: forget_derived
-- Everything that the KPI job wrote, so that it can be measured again.
TRUNCATE kpi_value, atom, state_interval, interval_series, carry_state, raw_day_digest, kpi_run, config_snapshot, dirty_mark
