-- Plain SQL for the numbers of the benchmark plant: per machine and production day the seconds of each time class, good
-- and rejected pieces, OEE, energy and completeness. Days begin at 06:00 local; shifts end at 22:00.
WITH day AS (
    SELECT d AS day_start, d + interval '1 day' AS day_end, d + interval '16 hours' AS shift_end,
           (d AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS production_day
    FROM generate_series(%(start)s::timestamptz, %(until)s::timestamptz - interval '1 day', interval '1 day') AS d
), named AS (
    SELECT s.series_id, a.key AS asset, s.name, s.expected_period_us
    FROM series s JOIN asset a USING (asset_id) JOIN site ON site.site_id = s.site_id WHERE site.key = 'bench'
), state AS (
    SELECT n.asset, r.ts AS from_ts, coalesce(lead(r.ts) OVER (PARTITION BY n.asset ORDER BY r.ts), 'infinity') AS to_ts,
           CASE y.text WHEN 'EXECUTE' THEN 'production' ELSE 'delay' END AS time_class
    FROM reading r JOIN named n USING (series_id) JOIN symbol y ON y.symbol_id = r.value
    WHERE n.name = 'state' AND r.ts < %(until)s
), planned AS (
    SELECT s.asset, d.production_day, s.time_class,
           sum(extract(epoch FROM least(s.to_ts, d.shift_end) - greatest(s.from_ts, d.day_start)))::float8 AS seconds
    FROM state s JOIN day d ON s.from_ts < d.shift_end AND s.to_ts > d.day_start
    GROUP BY 1, 2, 3
), times AS (
    SELECT asset, production_day,
           coalesce(sum(seconds) FILTER (WHERE time_class = 'production'), 0) AS production,
           coalesce(sum(seconds) FILTER (WHERE time_class = 'delay'), 0) AS delay,
           57600 - sum(seconds) AS unknown
    FROM planned GROUP BY 1, 2
), step AS (
    SELECT n.asset, n.name, r.ts, r.value - lag(r.value) OVER (PARTITION BY r.series_id ORDER BY r.ts) AS pieces
    FROM reading r JOIN named n USING (series_id)
    WHERE n.name IN ('good_count', 'reject_count') AND r.ts <= %(until)s
), counts AS (
    SELECT s.asset, d.production_day,
           coalesce(sum(pieces) FILTER (WHERE name = 'good_count'), 0) AS good,
           coalesce(sum(pieces) FILTER (WHERE name = 'reject_count'), 0) AS reject,
           coalesce(sum(pieces) FILTER (WHERE name = 'good_count' AND s.ts <= d.shift_end), 0) AS good_planned
    FROM step s JOIN day d ON s.ts > d.day_start AND s.ts <= d.day_end
    GROUP BY 1, 2
), power AS (
    SELECT n.asset, r.ts AS from_ts, r.value,
           least(lead(r.ts) OVER (PARTITION BY r.series_id ORDER BY r.ts), r.ts + interval '60 seconds') AS to_ts
    FROM reading r JOIN named n USING (series_id) WHERE n.name = 'power_kw'
), energy AS (
    SELECT p.asset, d.production_day,
           sum(value * extract(epoch FROM least(p.to_ts, d.day_end) - greatest(p.from_ts, d.day_start))::float8 / 3600) AS kwh
    FROM power p JOIN day d ON p.from_ts < d.day_end AND p.to_ts > d.day_start
    GROUP BY 1, 2
), received AS (
    SELECT n.asset, d.production_day, count(*)::float8 AS rows
    FROM reading r JOIN named n USING (series_id) JOIN day d ON r.ts > d.day_start AND r.ts <= d.day_end
    WHERE n.expected_period_us IS NOT NULL GROUP BY 1, 2
), expected AS (
    SELECT n.asset, d.production_day,
           sum(floor(extract(epoch FROM d.day_end) * 1000000 / n.expected_period_us)
               - floor(extract(epoch FROM d.day_start) * 1000000 / n.expected_period_us))::float8 AS rows
    FROM named n CROSS JOIN day d WHERE n.expected_period_us IS NOT NULL GROUP BY 1, 2
)
SELECT asset, production_day, t.production, t.delay, t.unknown, 28800.0::float8 AS not_scheduled, c.good, c.reject,
       c.good_planned * 4.5 / 57600 AS oee, e.kwh AS energy, least(r.rows / x.rows, 1) AS completeness
FROM times t
JOIN counts c USING (asset, production_day)
JOIN energy e USING (asset, production_day)
JOIN received r USING (asset, production_day)
JOIN expected x USING (asset, production_day)
ORDER BY asset, production_day
