-- How good the readings of series were: written per production day by the KPI job, read as sums over days.

-- name: delete_days
-- Rows of the days that are written anew.
DELETE FROM series_quality WHERE site_id = %(site_id)s AND production_day = ANY (%(days)s)

-- name: of_series
-- Each series over a range of days (both included), with the conflicts noted in it.
SELECT q.*, (SELECT count(*) FROM reading_conflict AS c
             WHERE c.series_id = q.series_id AND c.ts >= q.from_ts AND c.ts < q.to_ts) AS conflicts
FROM (
    SELECT q.series_id, a.key AS asset, s.name, s.quantity, s.unit, s.kind, s.expected_period_us, s.valid_low, s.valid_high,
           count(*) AS days, min(q.from_ts) AS from_ts, max(q.to_ts) AS to_ts,
           sum(extract(epoch FROM q.to_ts - q.from_ts) * 1000000)::bigint AS window_us,
           sum(q.rows)::bigint AS rows, sum(q.received)::bigint AS received, sum(q.expected)::bigint AS expected,
           sum(q.gaps)::bigint AS gaps, sum(q.gap_us)::bigint AS gap_us, max(q.longest_gap_us) AS longest_gap_us,
           sum(q.flat_spans)::bigint AS flat_spans, sum(q.flat_us)::bigint AS flat_us,
           max(q.longest_flat_us) AS longest_flat_us, sum(q.out_of_range)::bigint AS out_of_range,
           sum(q.resets)::bigint AS resets, max(q.last_ts) AS last_ts
    FROM series_quality AS q JOIN series AS s USING (series_id) JOIN asset AS a ON a.asset_id = s.asset_id
    WHERE q.site_id = %(site_id)s AND q.production_day BETWEEN %(from_day)s AND %(to_day)s
      AND (%(assets)s::text[] IS NULL OR a.key = ANY (%(assets)s))
    GROUP BY q.series_id, a.key, s.series_id
) AS q ORDER BY q.asset, q.name

-- name: of_devices
-- What ingest counted per device of these assets, in the hours of receipt that the windows of the days touch.
SELECT d.key AS device, a.key AS asset, sum(l.decoded)::bigint AS decoded, sum(l.stored)::bigint AS stored,
       sum(l.duplicate)::bigint AS duplicate, sum(l.conflict)::bigint AS conflict,
       sum(l.rejected_value)::bigint AS rejected_value, sum(l.rejected)::bigint AS rejected_messages,
       sum(l.missing_seq)::bigint AS missing_seq, sum_histogram(l.skew_ms) AS skew_ms
FROM (SELECT min(from_ts) AS from_ts, max(to_ts) AS to_ts FROM series_quality
      WHERE site_id = %(site_id)s AND production_day BETWEEN %(from_day)s AND %(to_day)s) AS w
JOIN ledger_now AS l ON l.site_id = %(site_id)s AND l.hour >= date_trunc('hour', w.from_ts) AND l.hour < w.to_ts
JOIN device AS d ON d.device_id = l.device_id
LEFT JOIN asset AS a ON a.asset_id = d.asset_id
WHERE %(assets)s::text[] IS NULL OR a.key = ANY (%(assets)s) OR EXISTS (
    SELECT FROM series AS s JOIN asset AS o USING (asset_id) WHERE s.device_id = d.device_id AND o.key = ANY (%(assets)s))
GROUP BY d.device_id, d.key, a.key ORDER BY d.key

-- name: doubts
-- Days of series with gaps, flat lines or impossible values.
SELECT a.key, s.name, q.production_day, q.gap_us, q.flat_us, q.out_of_range::bigint
FROM series_quality q JOIN series s USING (series_id) JOIN asset a USING (asset_id)
WHERE q.site_id = %(site_id)s AND q.production_day BETWEEN %(from_day)s AND %(to_day)s
  AND (q.gap_us > 0 OR q.flat_us > 0 OR q.out_of_range > 0)
ORDER BY 1, 2, 3

-- name: first_seen
-- Counters by the production day that first handed them on.
SELECT a.key, n.name, c.production_day
FROM carry_state c JOIN asset a USING (asset_id) CROSS JOIN LATERAL jsonb_object_keys(c.payload -> 'counters') AS n(name)
WHERE c.site_id = %(site_id)s AND c.production_day BETWEEN %(from_day)s AND %(to_day)s
  AND NOT EXISTS (SELECT FROM carry_state b WHERE b.asset_id = c.asset_id AND b.production_day < c.production_day
                  AND b.payload -> 'counters' ? n.name)
ORDER BY 1, 2, 3

-- name: begun_inside
-- Those of some counters and days whose first usable reading of the day lies inside it, not at its beginning or end.
SELECT g.place FROM unnest(%(places)s::integer[], %(assets)s::text[], %(names)s::text[], %(from_ts)s::timestamptz[],
                           %(to_ts)s::timestamptz[]) AS g(place, asset, name, from_ts, to_ts)
JOIN asset a ON a.site_id = %(site_id)s AND a.key = g.asset JOIN series s ON s.asset_id = a.asset_id AND s.name = g.name
WHERE NOT EXISTS (SELECT FROM reading r WHERE r.series_id = s.series_id AND r.ts = g.from_ts
                  AND r.quality IN (0, 1, 4) AND r.value <> 'NaN')
  AND EXISTS (SELECT FROM reading r WHERE r.series_id = s.series_id AND r.ts > g.from_ts AND r.ts < g.to_ts
              AND r.quality IN (0, 1, 4) AND r.value <> 'NaN')
