-- Plain SQL for what the job keeps of each series and production day of the benchmark plant: readings and the SHA-256 of
-- their bytes in [begin, end), and, in (begin, end], readings that came and were due, gaps, flat lines, values out of range.
-- A usable reading has quality 0 (good), 1 (uncertain) or 4 (historical); a sampled gauge has a gap after three of its periods and is flat after an hour.
WITH rule AS (
    SELECT s.series_id, s.expected_period_us AS period, s.valid_low, s.valid_high,
           coalesce(s.max_gap_us, 3 * s.expected_period_us) * interval '1 microsecond' AS gap_limit
    FROM series s JOIN site ON site.site_id = s.site_id WHERE site.key = 'bench'
), day AS (
    SELECT d AS low, d + interval '1 day' AS high
    FROM generate_series(%(start)s::timestamptz, %(until)s::timestamptz - interval '1 hour', interval '1 day') AS d
), ordered AS (
    SELECT r.series_id, r.ts, r.value, r.quality, r.quality IN (0, 1, 4) AND r.value IS NOT NULL AS usable,
           coalesce(lead(r.ts) OVER w, 'infinity') AS next_ts, lag(r.value) OVER w IS DISTINCT FROM r.value AS changes,
           row_number() OVER w = 1 AS is_first
    FROM reading r WINDOW w AS (PARTITION BY r.series_id ORDER BY r.ts)
), digest AS (
    SELECT series_id, low, count(*) AS rows,
           sha256(string_agg(reverse(int8send(round(date_part('epoch', ts) * 1e6)::bigint))
                             || reverse(float8send(value)) || reverse(int2send(quality)), '' ORDER BY ts)) AS sha256
    FROM ordered JOIN day ON ts >= low AND ts < high GROUP BY 1, 2
), came AS (
    SELECT series_id, low, count(*) FILTER (WHERE usable) AS received,
           count(*) FILTER (WHERE usable AND (value < valid_low OR value > valid_high)) AS out_of_range
    FROM ordered JOIN rule USING (series_id) JOIN day ON ts > low AND ts <= high GROUP BY 1, 2
), hole AS (
    SELECT series_id, ts AS begins, next_ts AS ends FROM ordered JOIN rule USING (series_id)
    WHERE NOT usable OR (gap_limit IS NOT NULL AND period IS NOT NULL AND next_ts - ts > gap_limit)
    UNION ALL SELECT series_id, '-infinity', ts FROM ordered WHERE is_first
), gaps AS (
    SELECT series_id, low, count(*) FILTER (WHERE begins >= low AND begins < high) AS gaps,
           sum(least(ends, high) - greatest(begins, low)) AS gap, max(least(ends, high) - greatest(begins, low)) AS longest
    FROM hole JOIN day ON begins < high AND ends > low GROUP BY 1, 2
), run AS (
    SELECT series_id, ts, next_ts, sum(changes::integer) OVER (PARTITION BY series_id ORDER BY ts) AS number
    FROM ordered JOIN rule USING (series_id) WHERE period IS NOT NULL
), flat AS (
    SELECT series_id, low, count(*) AS flat_spans
    FROM (SELECT series_id, min(ts) AS begins, max(next_ts) AS ends FROM run GROUP BY series_id, number
          HAVING max(next_ts) - min(ts) > interval '1 hour' AND max(next_ts) < 'infinity') AS line
    JOIN day ON begins < high AND ends > low GROUP BY 1, 2
)
SELECT series_id, low, coalesce(d.rows, 0), encode(d.sha256, 'hex'), coalesce(c.received, 0),
       coalesce(floor(extract(epoch FROM high) * 1000000 / period) - floor(extract(epoch FROM low) * 1000000 / period),
                0)::bigint,
       coalesce(g.gaps, 0), coalesce(round(date_part('epoch', g.gap) * 1e6)::bigint, 0),
       coalesce(round(date_part('epoch', g.longest) * 1e6)::bigint, 0), coalesce(f.flat_spans, 0), coalesce(c.out_of_range, 0)
FROM rule CROSS JOIN day
LEFT JOIN digest d USING (series_id, low) LEFT JOIN came c USING (series_id, low)
LEFT JOIN gaps g USING (series_id, low) LEFT JOIN flat f USING (series_id, low)
