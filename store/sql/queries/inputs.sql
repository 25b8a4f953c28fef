-- What a KPI computation reads of the raw data, for whole production days of one site.

-- name: series
-- All series of the site in the columns of the computation.
SELECT s.series_id, a.key AS asset, s.name, s.quantity, s.qualifier, s.unit, s.kind, s.expected_period_us, s.max_gap_us,
       s.counter_rule, s.counter_modulus, s.max_rate_per_s, s.interval_us, s.interval_label
FROM series s JOIN asset a USING (asset_id) WHERE s.site_id = %(site_id)s ORDER BY s.series_id

-- name: readings
-- Rows of the series in a half-open range. Rendered with literals: only without parameters does the driver use COPY.
SELECT series_id, ts, value, quality FROM reading
WHERE series_id = ANY (%(series)s::integer[]) AND ts >= %(from_ts)s AND ts < %(to_ts)s

-- name: readings_packed
-- The same rows of some pages as four strings of bytes in network order, whose numbers stand at the same places; a null
-- value is a NaN of its own. NULL without any row.
SELECT string_agg(int4send(series_id), ''), string_agg(timestamptz_send(ts), ''),
       string_agg(coalesce(float8send(value), '\x7ff84e554c4c0000'::bytea), ''), string_agg(int2send(quality), '')
FROM reading
WHERE series_id = ANY (%(series)s::integer[]) AND ts >= %(from_ts)s AND ts < %(to_ts)s
  AND ctid >= %(first)s::tid AND ctid < %(last)s::tid

-- name: pages
-- Partitions of a half-open range in the order of time, with the part of the range and the pages of each; none where
-- readings are not in plain partitions.
SELECT greatest(d.day_start, %(from_ts)s) AS from_ts, least(d.day_start + interval '1 day', %(to_ts)s) AS to_ts,
       pg_relation_size(c.oid) / current_setting('block_size')::integer AS pages
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
CROSS JOIN LATERAL (SELECT to_date(substr(c.relname, 9), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC' AS day_start) AS d
WHERE i.inhparent = 'reading'::regclass AND p.relkind = 'p' AND c.relname ~ '^reading_[0-9]{8}$'
  AND d.day_start < %(to_ts)s AND d.day_start + interval '1 day' > %(from_ts)s
ORDER BY d.day_start

-- name: keep_order
-- Rows come in the order in which they lie in the pages, which is nearly that of time.
SELECT set_config('max_parallel_workers_per_gather', '0', false), set_config('synchronize_seqscans', 'off', false)

-- name: carry_in
-- The last row of each series before an instant, found by index.
SELECT s.series_id, r.ts, r.value, r.quality FROM unnest(%(series)s::integer[]) AS s(series_id)
CROSS JOIN LATERAL (SELECT ts, value, quality FROM reading
                    WHERE reading.series_id = s.series_id AND ts < %(before)s AND ts >= %(since)s
                    ORDER BY ts DESC LIMIT 1) AS r

-- name: follow
-- The first row of each series from an instant on: what flows across the end of the range is shared by it.
SELECT s.series_id, r.ts, r.value, r.quality FROM unnest(%(series)s::integer[]) AS s(series_id)
CROSS JOIN LATERAL (SELECT ts, value, quality FROM reading
                    WHERE reading.series_id = s.series_id AND ts >= %(since)s AND ts < %(before)s
                    ORDER BY ts LIMIT 1) AS r

-- name: follow_counted
-- The first row of each counter from an instant on that counts: what was counted across the end of the range ends there,
-- not at a bad row or a false zero before it.
SELECT s.series_id, r.ts, r.value, r.quality FROM unnest(%(series)s::integer[]) AS given(series_id)
JOIN series s ON s.series_id = given.series_id AND s.kind = 'counter'
CROSS JOIN LATERAL (SELECT ts, value, quality FROM reading
                    WHERE reading.series_id = s.series_id AND ts >= %(since)s AND ts < %(before)s
                      AND quality IN (0, 1, 4) AND value <> 'NaN'
                      AND (value <> 0 OR s.counter_rule IS DISTINCT FROM 'false_zero')
                    ORDER BY ts LIMIT 1) AS r

-- name: around_steep
-- Of each counter with a highest rate: the last row before the range that counts, and the first two after it that do. A
-- steep rise is a spike if the next one takes it back, and what flowed across the border then ends at that one.
SELECT s.series_id, r.ts, r.value, r.quality FROM unnest(%(series)s::integer[]) AS given(series_id)
JOIN series s ON s.series_id = given.series_id AND s.kind = 'counter' AND s.max_rate_per_s IS NOT NULL
CROSS JOIN LATERAL (
    (SELECT ts, value, quality FROM reading
     WHERE reading.series_id = s.series_id AND ts < %(since)s AND quality IN (0, 1, 4) AND value <> 'NaN'
       AND (value <> 0 OR s.counter_rule IS DISTINCT FROM 'false_zero')
     ORDER BY ts DESC LIMIT 1)
    UNION ALL
    (SELECT ts, value, quality FROM reading
     WHERE reading.series_id = s.series_id AND ts >= %(before)s AND quality IN (0, 1, 4) AND value <> 'NaN'
       AND (value <> 0 OR s.counter_rule IS DISTINCT FROM 'false_zero')
     ORDER BY ts LIMIT 2)
) AS r

-- name: reach_back
-- For each range: the last reading before the first new one of a counter or meter, of a counter the last that counts, of
-- one with a highest rate the last but one: the new one may take back the rise between them.
-- What flowed between the two belongs to the days between them, also to days that were final before. An amount of an
-- interval that ends with its reading began before it; a record of production cuts those that began before it.
WITH marked AS (
    SELECT * FROM unnest(%(assets)s::text[], %(from_ts)s::timestamptz[], %(to_ts)s::timestamptz[]) AS m(asset, from_ts, to_ts)
), since AS (
    SELECT m.asset, m.from_ts, p.ts
    FROM marked AS m
    JOIN series s ON s.site_id = %(site_id)s AND s.status <> 'proposed' AND s.kind <> 'state'
    JOIN asset a ON a.asset_id = s.asset_id AND (m.asset = '' OR a.key = m.asset)
    CROSS JOIN LATERAL (SELECT ts FROM reading WHERE reading.series_id = s.series_id AND ts >= m.from_ts AND ts < m.to_ts
                        ORDER BY ts LIMIT 1) AS f
    CROSS JOIN LATERAL (
        (SELECT ts FROM reading WHERE reading.series_id = s.series_id AND ts < f.ts ORDER BY ts DESC LIMIT 1)
        UNION ALL
        (SELECT ts FROM reading WHERE reading.series_id = s.series_id AND ts < f.ts AND s.kind = 'counter'
           AND quality IN (0, 1, 4) AND value <> 'NaN' AND (value <> 0 OR s.counter_rule IS DISTINCT FROM 'false_zero')
         ORDER BY ts DESC LIMIT CASE WHEN s.max_rate_per_s IS NULL THEN 1 ELSE 2 END)
        UNION ALL
        (SELECT f.ts - s.interval_us * interval '1 microsecond' WHERE s.kind = 'delta' AND s.interval_label = 'end')
    ) AS p
    UNION ALL
    SELECT m.asset, m.from_ts, o.from_ts
    FROM marked AS m
    JOIN event e ON e.site_id = %(site_id)s AND e.ts >= m.from_ts AND e.ts < m.to_ts AND e.kind = 'production_run'
    JOIN asset a ON a.asset_id = e.asset_id AND (m.asset = '' OR a.key = m.asset)
    JOIN event o ON o.asset_id = e.asset_id AND o.kind = e.kind AND o.from_ts < e.to_ts AND o.to_ts > e.from_ts
)
SELECT asset, (extract(epoch FROM min(ts)) * 1000000)::bigint, (extract(epoch FROM from_ts) * 1000000)::bigint
FROM since GROUP BY asset, from_ts

-- name: reach_on
-- For each range: the first instant from which nothing new in it holds any more. A state, job or product holds until the
-- next one, also one that an event tells; power until its gap is too long; a sign of life as long as silence is allowed;
-- a record of production cuts those that it lies on, whose counts move to their ends. Nothing holds beyond the time of
-- its asset and series. What a counter showed last is handed on until it counts again, also over days without a reading.
WITH marked AS (
    SELECT * FROM unnest(%(assets)s::text[], %(from_ts)s::timestamptz[], %(to_ts)s::timestamptz[]) AS m(asset, from_ts, to_ts)
), told AS (
    SELECT m.asset, m.from_ts, e.asset_id, e.kind, max(e.ts) AS ts
    FROM marked AS m
    JOIN event e ON e.site_id = %(site_id)s AND e.ts >= m.from_ts AND e.ts < m.to_ts
        AND e.kind IN ('job_change', 'product_change')
    JOIN asset a ON a.asset_id = e.asset_id AND (m.asset = '' OR a.key = m.asset)
    GROUP BY m.asset, m.from_ts, e.asset_id, e.kind
), until AS (
    SELECT m.asset, m.from_ts, least(a.valid_to, s.valid_to, h.ts) AS ts
    FROM marked AS m
    JOIN series s ON s.site_id = %(site_id)s AND s.status <> 'proposed'
    JOIN asset a ON a.asset_id = s.asset_id AND (m.asset = '' OR a.key = m.asset)
    CROSS JOIN LATERAL (SELECT ts FROM reading WHERE reading.series_id = s.series_id AND ts >= m.from_ts AND ts < m.to_ts
                        ORDER BY ts DESC LIMIT 1) AS l
    CROSS JOIN LATERAL (
        SELECT least(coalesce((SELECT ts FROM reading WHERE reading.series_id = s.series_id AND ts > l.ts ORDER BY ts LIMIT 1),
                              %(now)s),
                     CASE WHEN s.kind = 'gauge' AND s.quantity NOT IN ('job', 'product')
                          THEN l.ts + s.max_gap_us * interval '1 microsecond' END) AS ts
        WHERE s.kind IN ('state', 'gauge')
        UNION ALL
        SELECT l.ts + s.interval_us * interval '1 microsecond' WHERE s.kind = 'delta'
        UNION ALL
        SELECT coalesce((SELECT ts FROM reading WHERE reading.series_id = s.series_id AND ts > l.ts
                           AND quality IN (0, 1, 4) AND value <> 'NaN'
                           AND (value <> 0 OR s.counter_rule IS DISTINCT FROM 'false_zero')
                         ORDER BY ts LIMIT 1), %(now)s)
        WHERE s.kind = 'counter'
        UNION ALL
        SELECT l.ts + t.max_silence_us * interval '1 microsecond' FROM asset_setting AS t
        WHERE t.asset_id = a.asset_id AND t.max_silence_us IS NOT NULL
    ) AS h
    UNION ALL
    SELECT t.asset, t.from_ts, least(a.valid_to, coalesce((
        SELECT min(n.ts) FROM event n WHERE n.asset_id = t.asset_id AND n.kind = t.kind AND n.ts > t.ts), %(now)s))
    FROM told AS t JOIN asset a USING (asset_id)
    UNION ALL
    SELECT m.asset, m.from_ts, o.to_ts
    FROM marked AS m
    JOIN event e ON e.site_id = %(site_id)s AND e.ts >= m.from_ts AND e.ts < m.to_ts AND e.kind = 'production_run'
    JOIN asset a ON a.asset_id = e.asset_id AND (m.asset = '' OR a.key = m.asset)
    JOIN event o ON o.asset_id = e.asset_id AND o.kind = e.kind AND o.from_ts < e.to_ts AND o.to_ts > e.from_ts
)
SELECT asset, (extract(epoch FROM from_ts) * 1000000)::bigint, (extract(epoch FROM max(ts)) * 1000000)::bigint
FROM until GROUP BY asset, from_ts

-- name: conflicts
-- Assets and instants for which another value was received than the stored one.
SELECT DISTINCT a.key, (extract(epoch FROM c.ts) * 1000000)::bigint
FROM reading_conflict c LEFT JOIN series s USING (series_id) JOIN asset a ON a.asset_id = coalesce(s.asset_id, c.asset_id)
WHERE c.site_id = %(site_id)s AND c.ts >= %(from_ts)s AND c.ts < %(to_ts)s

-- name: estimate
-- Number of rows of the series in a half-open range.
SELECT count(*) FROM reading WHERE series_id = ANY (%(series)s::integer[]) AND ts >= %(from_ts)s AND ts < %(to_ts)s

-- name: symbols
-- Texts of the state series.
SELECT symbol_id, text FROM symbol ORDER BY symbol_id

-- name: events
-- Events that begin in the range or last into it, and the last product and job change of each asset before it. Where a
-- record of production lasts into it or beyond it, those up to the range or to its end too: each ends where the next begins.
WITH crossing AS (
    SELECT asset_id, min(from_ts) FILTER (WHERE from_ts < %(from_ts)s) AS since,
           max(to_ts) FILTER (WHERE to_ts > %(to_ts)s) AS until
    FROM event
    WHERE site_id = %(site_id)s AND kind = 'production_run' AND from_ts < %(to_ts)s AND to_ts > %(from_ts)s
    GROUP BY asset_id
)
SELECT a.key AS asset, (extract(epoch FROM e.ts) * 1000000)::bigint AS ts, e.kind, e.key,
       (extract(epoch FROM e.from_ts) * 1000000)::bigint AS from_us,
       (extract(epoch FROM e.to_ts) * 1000000)::bigint AS to_us, e.payload::text AS payload
FROM event e JOIN asset a USING (asset_id) LEFT JOIN crossing c USING (asset_id)
WHERE e.site_id = %(site_id)s
  AND ((e.ts >= %(from_ts)s AND e.ts < %(to_ts)s) OR (e.from_ts < %(to_ts)s AND e.to_ts > %(from_ts)s)
       OR (e.kind = 'production_run' AND ((e.from_ts >= c.since AND e.from_ts < %(from_ts)s)
                                          OR (e.from_ts >= %(to_ts)s AND e.from_ts < c.until))))
UNION ALL
SELECT l.asset, l.ts, l.kind, l.key, l.from_us, l.to_us, l.payload FROM (
    SELECT DISTINCT ON (e.asset_id, e.kind) a.key AS asset, (extract(epoch FROM e.ts) * 1000000)::bigint AS ts, e.kind,
           e.key, (extract(epoch FROM e.from_ts) * 1000000)::bigint AS from_us,
           (extract(epoch FROM e.to_ts) * 1000000)::bigint AS to_us, e.payload::text AS payload, e.to_ts
    FROM event e JOIN asset a USING (asset_id)
    WHERE e.site_id = %(site_id)s AND e.kind IN ('product_change', 'job_change') AND e.ts < %(from_ts)s
    ORDER BY e.asset_id, e.kind, e.ts DESC, e.key COLLATE "C" DESC
) AS l WHERE l.to_ts IS NULL OR l.to_ts <= %(from_ts)s
ORDER BY asset, ts, kind, key

-- name: annotations
-- Corrections that touch the range and stand: neither revoked nor superseded.
SELECT n.annotation_id, a.key AS asset, (extract(epoch FROM n.from_ts) * 1000000)::bigint AS from_us,
       (extract(epoch FROM n.to_ts) * 1000000)::bigint AS to_us, r.key AS reason, p.key AS product,
       (extract(epoch FROM n.created_at) * 1000000)::bigint AS created_us
FROM annotation n JOIN asset a USING (asset_id)
LEFT JOIN reason r USING (reason_id) LEFT JOIN product p USING (product_id)
WHERE n.site_id = %(site_id)s AND n.from_ts < %(to_ts)s AND n.to_ts > %(from_ts)s AND NOT n.revoked
  AND NOT EXISTS (SELECT FROM annotation later WHERE later.supersedes = n.annotation_id)
ORDER BY n.annotation_id

-- name: records
-- Standing business records that end in the range, and what is burned or lost over time in it.
SELECT coalesce(payload ->> 'asset', '') AS asset, kind, key, (extract(epoch FROM from_ts) * 1000000)::bigint AS from_us,
       (extract(epoch FROM to_ts) * 1000000)::bigint AS to_us, payload::text AS payload
FROM (
    SELECT DISTINCT ON (kind, key) kind, key, from_ts, to_ts, payload
    FROM business_record WHERE site_id = %(site_id)s
    ORDER BY kind, key, recorded_at DESC, business_record_id DESC
) AS standing
WHERE to_ts > %(from_ts)s AND (to_ts <= %(to_ts)s OR (kind IN ('fuel', 'refrigerant') AND from_ts < %(to_ts)s))
ORDER BY asset, kind, key
