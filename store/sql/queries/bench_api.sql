-- What `haidang bench api` stores: a year of a site, as the KPI job and ingest leave it. Days come one after the other,
-- as they do in a plant, so that the values of one asset lie scattered over the table.

-- name: add_values
-- KPI values of one grain for all assets of a site, each window one step long.
INSERT INTO kpi_value (site_id, asset_id, kpi, grain, window_start, window_end, production_day, value, numerator, denominator,
    coverage, completeness, status, is_final, flags, definition_version, factor_set, config_digest, inputs_digest, computed_at)
SELECT a.site_id, a.asset_id, k.kpi, %(grain)s, w.start_ts, w.end_ts, w.day,
       sin(a.asset_id + w.number) / 4 + 0.7 + k.place, sin(a.asset_id + w.number) * 1000 + 2800.123, 4000.456,
       0.95 + (w.number %% 5) / 100.0, 0.99 + (w.number %% 9) / 1000.0,
       CASE WHEN a.asset_id %% 7 = 0 THEN 'low_confidence' ELSE 'final' END, true,
       CASE WHEN (a.asset_id + w.number) %% 20 = 0 THEN ARRAY['gaps', 'late_data'] ELSE '{}' END, 1,
       CASE WHEN k.kpi = 'co2e_location' THEN 'vn-grid v1' END,
       encode(sha256(w.month::text::bytea), 'hex'), encode(sha256((a.asset_id || k.kpi || w.number)::bytea), 'hex'),
       w.end_ts + interval '26 hours 12.345678 seconds'
FROM (SELECT number, local::date AS day, date_trunc('month', local) AS month,
             (local + interval '6 hours') AT TIME ZONE s.timezone AS start_ts,
             (local + %(step)s::interval + interval '6 hours') AT TIME ZONE s.timezone AS end_ts
      FROM site AS s, generate_series(%(first)s::timestamp, %(last)s::timestamp, %(step)s::interval)
           WITH ORDINALITY AS g (local, number)
      WHERE s.site_id = %(site_id)s) AS w
CROSS JOIN asset AS a CROSS JOIN unnest(%(kpis)s::text[]) WITH ORDINALITY AS k (kpi, place)
WHERE a.site_id = %(site_id)s
ORDER BY w.number, a.asset_id, k.place

-- name: add_intervals
-- State intervals of every unit: so many a day, every other one a stop with one of three reasons or none; Sundays are free.
INSERT INTO state_interval (site_id, asset_id, production_day, from_ts, to_ts, time_class, sub_class, reason, state)
SELECT a.site_id, a.asset_id, d.day::date, d.start_ts + n * d.length, d.start_ts + (n + 1) * d.length,
       CASE WHEN d.free THEN 'not_scheduled' WHEN n %% 2 = 0 THEN 'production' WHEN n %% 6 = 1 THEN 'setup' ELSE 'delay' END,
       CASE WHEN n %% 2 = 0 OR n %% 6 = 1 THEN '' WHEN n %% 6 = 3 THEN 'fault' ELSE 'starved' END,
       CASE WHEN n %% 2 = 0 THEN '' ELSE (ARRAY['', 'tool_change', 'no_caps', 'jam'])[1 + (a.asset_id + n) %% 4] END,
       CASE WHEN d.free THEN '' WHEN n %% 2 = 0 THEN 'EXECUTE' ELSE 'ABORTED' END
FROM (SELECT day, (day + interval '6 hours') AT TIME ZONE s.timezone AS start_ts, extract(dow FROM day) = 0 AS free,
             interval '24 hours' / CASE WHEN extract(dow FROM day) = 0 THEN 1 ELSE %(per_day)s END AS length
      FROM site AS s, generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') AS g (day)
      WHERE s.site_id = %(site_id)s) AS d
CROSS JOIN asset AS a CROSS JOIN generate_series(0, %(per_day)s - 1) AS n
WHERE a.site_id = %(site_id)s AND a.level = 'unit' AND (n = 0 OR NOT d.free)
ORDER BY d.day, a.asset_id, n

-- name: add_ledger
-- The accounts of one device for each line and hour, added up as ingest does it after a while.
WITH made AS (
    INSERT INTO device (site_id, key, last_seen)
    SELECT site_id, 'gateway-' || key, now() FROM asset WHERE site_id = %(site_id)s AND level = 'line'
    RETURNING device_id, site_id
)
INSERT INTO ledger_delta (hour, site_id, device_id, received, processed, decoded, stored)
SELECT hour, site_id, device_id, 3600, 3600, 72000, 72000
FROM made, generate_series(%(first)s::timestamptz, %(last)s::timestamptz, interval '1 hour') AS g (hour)

-- name: add_rejected
-- Ten rejected messages a day.
INSERT INTO rejected_message (site_id, topic, payload, payload_bytes, reason, detail, first_at, last_at, digest)
SELECT %(site_id)s, 'haidang/v1/bench/line00/m000/data', '{}', 2, 'wrong_unit', 'benchmark', at, at,
       sha256(at::text::bytea)
FROM generate_series(%(first)s::timestamptz, %(last)s::timestamptz, interval '144 minutes') AS g (at)

-- name: look
-- What the database does by itself after a while.
VACUUM ANALYZE
