-- What stands behind one KPI value.

-- name: config
-- The registry that a value was computed with, as it was kept.
SELECT json FROM config_snapshot WHERE digest = %(digest)s AND site_id = %(site_id)s

-- name: revisions
-- All statements of one value, the oldest first.
SELECT revision, value, numerator, denominator, status, is_final, cause, computed_at, superseded_at, config_digest, inputs_digest
FROM kpi_value
WHERE site_id = %(site_id)s AND asset_id = %(asset_id)s AND kpi = %(kpi)s AND variant = %(variant)s AND grain = %(grain)s
  AND window_start = %(window_start)s AND production_day = %(production_day)s AND shift = %(shift)s
  AND product = %(product)s AND job = %(job)s
ORDER BY computed_at, kpi_value_id

-- name: longest
-- The longest stretches of the window that are no production, of these assets.
SELECT a.key AS asset, greatest(i.from_ts, %(from_ts)s) AS from_ts, least(i.to_ts, %(to_ts)s) AS to_ts, i.time_class,
       i.sub_class, i.reason, i.state, i.origin, i.original_class, i.original_sub_class, i.original_reason
FROM state_interval i JOIN asset a USING (asset_id)
WHERE i.site_id = %(site_id)s AND a.key = ANY (%(assets)s::text[]) AND i.time_class <> 'production'
  AND i.production_day BETWEEN %(from_day)s AND %(to_day)s AND i.from_ts < %(to_ts)s AND i.to_ts > %(from_ts)s
ORDER BY least(i.to_ts, %(to_ts)s) - greatest(i.from_ts, %(from_ts)s) DESC, i.from_ts LIMIT %(limit)s

-- name: intervals
-- What machines did in the window, piece by piece in order of time, and how many pieces there are.
SELECT a.key AS asset, greatest(i.from_ts, %(from_ts)s) AS from_ts, least(i.to_ts, %(to_ts)s) AS to_ts, i.time_class,
       i.sub_class, i.reason, i.state, i.origin, i.original_class, i.original_sub_class, i.original_reason,
       count(*) OVER () AS total
FROM state_interval i JOIN asset a USING (asset_id)
WHERE i.site_id = %(site_id)s AND a.key = ANY (%(assets)s::text[])
  AND i.production_day BETWEEN %(from_day)s AND %(to_day)s AND i.from_ts < %(to_ts)s AND i.to_ts > %(from_ts)s
ORDER BY a.key, i.from_ts LIMIT %(limit)s

-- name: raw_digests
-- The raw rows of the window's days, by series; of a day that is not closed how many there were, without a digest.
SELECT d.series_key, d.production_day, d.rows, encode(d.sha256, 'hex') AS sha256
FROM raw_day_digest d JOIN series s USING (series_id) JOIN asset a USING (asset_id)
WHERE d.site_id = %(site_id)s AND a.key = ANY (%(assets)s::text[]) AND d.superseded_at IS NULL
  AND d.production_day BETWEEN %(from_day)s AND %(to_day)s
UNION ALL
SELECT concat_ws('/', t.key, nullif(a.key, ''), s.name), q.production_day, q.rows, NULL
FROM series_quality q JOIN series s USING (series_id) JOIN asset a USING (asset_id)
JOIN site t ON t.site_id = q.site_id
WHERE q.site_id = %(site_id)s AND a.key = ANY (%(assets)s::text[]) AND q.rows > 0
  AND q.production_day BETWEEN %(from_day)s AND %(to_day)s
  AND NOT EXISTS (SELECT FROM raw_day_digest d WHERE d.series_id = q.series_id AND d.superseded_at IS NULL
                  AND d.production_day = q.production_day)
ORDER BY series_key, production_day

-- name: gaps
-- Stretches of the window of which nothing is known, the longest first, and how long all of them are together.
SELECT a.key AS asset, greatest(i.from_ts, %(from_ts)s) AS from_ts, least(i.to_ts, %(to_ts)s) AS to_ts, i.state,
       extract(epoch FROM sum(least(i.to_ts, %(to_ts)s) - greatest(i.from_ts, %(from_ts)s)) OVER ())::float8 AS total_s
FROM state_interval i JOIN asset a USING (asset_id)
WHERE i.site_id = %(site_id)s AND a.key = ANY (%(assets)s::text[]) AND i.time_class = 'unknown'
  AND i.production_day BETWEEN %(from_day)s AND %(to_day)s AND i.from_ts < %(to_ts)s AND i.to_ts > %(from_ts)s
ORDER BY least(i.to_ts, %(to_ts)s) - greatest(i.from_ts, %(from_ts)s) DESC, i.from_ts, a.key LIMIT %(limit)s
