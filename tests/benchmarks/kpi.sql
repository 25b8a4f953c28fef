-- Plain SQL for the numbers of the benchmark plant: per machine, line and site, for every hour, shift and production day
-- the seconds of each time class, good and rejected pieces, OEE, energy, for shifts and days by time class, and completeness.
-- Everything is summed by machine and hour first, then the hours are added up. Days begin at 06:00 local; shifts A and B end
-- at 14:00 and 22:00.
WITH named AS (
    SELECT s.series_id, a.key AS asset, s.name, s.expected_period_us
    FROM series s JOIN asset a USING (asset_id) JOIN site ON site.site_id = s.site_id WHERE site.key = 'bench'
), hour AS (
    SELECT h, h + interval '1 hour' AS hour_end, (h AT TIME ZONE 'Asia/Ho_Chi_Minh' - interval '6 hours')::date AS day,
           CASE WHEN extract(hour FROM h AT TIME ZONE 'Asia/Ho_Chi_Minh') BETWEEN 6 AND 13 THEN 'A'
                WHEN extract(hour FROM h AT TIME ZONE 'Asia/Ho_Chi_Minh') BETWEEN 14 AND 21 THEN 'B' ELSE '' END AS shift
    FROM generate_series(%(start)s::timestamptz, %(until)s::timestamptz - interval '1 hour', interval '1 hour') AS h
), state AS (
    SELECT n.asset, r.ts AS from_ts, y.text = 'EXECUTE' AS produces,
           least(lead(r.ts) OVER (PARTITION BY n.asset ORDER BY r.ts), %(until)s) AS to_ts
    FROM reading r JOIN named n USING (series_id) JOIN symbol y ON y.symbol_id = r.value
    WHERE n.name = 'state' AND r.ts < %(until)s
), state_piece AS (
    SELECT s.asset, h, produces, greatest(from_ts, h) AS from_ts, least(to_ts, h + interval '1 hour') AS to_ts
    FROM state s CROSS JOIN LATERAL
         generate_series(date_trunc('hour', from_ts), to_ts - interval '1 microsecond', interval '1 hour') AS h
), times AS (
    SELECT asset, h, sum(extract(epoch FROM to_ts - from_ts)::float8) FILTER (WHERE produces) AS production,
           sum(extract(epoch FROM to_ts - from_ts)::float8) FILTER (WHERE NOT produces) AS delay
    FROM state_piece GROUP BY 1, 2
), step AS (
    SELECT n.asset, n.name, date_trunc('hour', r.ts - interval '1 microsecond') AS h,
           r.value - lag(r.value) OVER (PARTITION BY r.series_id ORDER BY r.ts) AS pieces
    FROM reading r JOIN named n USING (series_id) WHERE n.name IN ('good_count', 'reject_count')
), counts AS (
    SELECT asset, h, sum(pieces) FILTER (WHERE name = 'good_count') AS good,
           sum(pieces) FILTER (WHERE name = 'reject_count') AS reject
    FROM step GROUP BY 1, 2
), power AS (
    SELECT n.asset, r.ts AS from_ts, r.value,
           least(lead(r.ts) OVER (PARTITION BY r.series_id ORDER BY r.ts), r.ts + interval '60 seconds') AS to_ts
    FROM reading r JOIN named n USING (series_id) WHERE n.name = 'power_kw'
), power_piece AS (
    SELECT asset, h, value, greatest(from_ts, h) AS from_ts, least(to_ts, h + interval '1 hour') AS to_ts
    FROM power CROSS JOIN LATERAL
         generate_series(date_trunc('hour', from_ts), to_ts - interval '1 microsecond', interval '1 hour') AS h
), energy AS (
    SELECT asset, h, sum(value * extract(epoch FROM to_ts - from_ts)::float8 / 3600) AS kwh FROM power_piece GROUP BY 1, 2
), class_energy AS (
    SELECT p.asset, h, sum(p.value * overlap) FILTER (WHERE s.produces) AS production_kwh,
           sum(p.value * overlap) FILTER (WHERE NOT s.produces) AS delay_kwh
    FROM power_piece p JOIN state_piece s USING (asset, h)
    CROSS JOIN LATERAL (
        SELECT extract(epoch FROM least(p.to_ts, s.to_ts) - greatest(p.from_ts, s.from_ts))::float8 / 3600 AS overlap
    ) AS shared
    WHERE p.from_ts < s.to_ts AND s.from_ts < p.to_ts
    GROUP BY 1, 2
), received AS (
    SELECT n.asset, date_trunc('hour', r.ts - interval '1 microsecond') AS h, count(*)::float8 AS rows
    FROM reading r JOIN named n USING (series_id) WHERE n.expected_period_us IS NOT NULL GROUP BY 1, 2
), expected AS (
    SELECT n.asset, hour.h,
           sum(floor(extract(epoch FROM hour_end) * 1000000 / n.expected_period_us)
               - floor(extract(epoch FROM h) * 1000000 / n.expected_period_us))::float8 AS rows
    FROM named n CROSS JOIN hour WHERE n.expected_period_us IS NOT NULL GROUP BY 1, 2
), of_unit AS (
    SELECT x.asset, hour.h, day, shift, CASE WHEN shift = '' THEN 0.0 ELSE 3600.0 END::float8 AS planned,
           CASE WHEN shift = '' THEN 0.0 ELSE coalesce(t.production, 0) END AS production,
           CASE WHEN shift = '' THEN 0.0 ELSE coalesce(t.delay, 0) END AS delay,
           coalesce(c.good, 0) AS good, coalesce(c.reject, 0) AS reject,
           CASE WHEN shift = '' THEN 0.0 ELSE coalesce(c.good, 0) END AS good_planned,
           coalesce(e.kwh, 0) AS kwh, CASE WHEN shift = '' THEN 0.0 ELSE coalesce(i.production_kwh, 0) END AS production_kwh,
           CASE WHEN shift = '' THEN 0.0 ELSE coalesce(i.delay_kwh, 0) END AS delay_kwh,
           CASE WHEN shift = '' THEN coalesce(e.kwh, 0) ELSE 0.0 END AS unscheduled_kwh, coalesce(r.rows, 0) AS received, x.rows AS expected
    FROM expected x JOIN hour USING (h)
    LEFT JOIN times t USING (asset, h) LEFT JOIN counts c USING (asset, h) LEFT JOIN energy e USING (asset, h)
    LEFT JOIN received r USING (asset, h) LEFT JOIN class_energy i USING (asset, h)
), of_scope AS (
    SELECT scope, of_unit.*
    FROM of_unit CROSS JOIN LATERAL (VALUES (asset), (split_part(asset, '/', 1)), ('')) AS s (scope)
)
SELECT scope, CASE WHEN grouping(h) = 0 THEN 'hour' WHEN grouping(shift) = 0 THEN 'shift' ELSE 'day' END AS grain,
       min(h) AS window_start, sum(production), sum(delay), sum(planned - production - delay),
       sum(3600 - planned), sum(good), sum(reject), sum(good_planned) * 4.5 / nullif(sum(planned), 0) AS oee, sum(kwh),
       CASE WHEN grouping(h) = 1 THEN sum(production_kwh) END, CASE WHEN grouping(h) = 1 THEN sum(delay_kwh) END,
       CASE WHEN grouping(h) = 1 THEN sum(kwh - production_kwh - delay_kwh - unscheduled_kwh) END,
       CASE WHEN grouping(h) = 1 THEN sum(unscheduled_kwh) END,
       least(sum(received) / sum(expected), 1) AS completeness
FROM of_scope
GROUP BY GROUPING SETS ((scope, h), (scope, day, shift), (scope, day))
HAVING grouping(shift) = 1 OR shift <> ''
ORDER BY 1, 2, 3
