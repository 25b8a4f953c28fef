-- What the Grafana panels read. These statements are sent by Grafana, not by us: instead of parameters they hold
-- Grafana's macros and variables (time range, site, line, grain, language). Words in double angle brackets are filled
-- in when the dashboards are generated: <<kpi>> with listed KPI ids, the others with the fragment of that name.
-- Grafana never computes a KPI: each number is a stored row of the grain that suits the range, and a window without
-- a stored row is null, so that gaps stay gaps.

-- name: sites
-- Choices of the variable "site".
SELECT name AS __text, key AS __value FROM site ORDER BY 1

-- name: lines
-- Choices of the variable "line": the site's lines; a site without lines offers its areas and itself.
SELECT coalesce(nullif(a.name, ''), nullif(a.key, ''), s.key) AS __text,
       concat_ws('/', s.key, nullif(a.key, '')) AS __value
FROM asset AS a
JOIN site AS s USING (site_id)
WHERE s.key = ${site:sqlstring} AND a.status = 'active'
  AND (a.level = 'line' OR (a.level IN ('site', 'area') AND NOT EXISTS (
      SELECT FROM asset AS l WHERE l.site_id = a.site_id AND l.level = 'line' AND l.status = 'active')))
ORDER BY 1

-- name: scope
-- Fragment: the chosen site and the chosen lines; lines of the same name are told apart by their path.
here AS (
    SELECT site_id, key, timezone FROM site WHERE key = ${site:sqlstring}
), scope AS (
    SELECT asset_id, label || CASE WHEN count(*) OVER (PARTITION BY label) > 1 THEN ' (' || key || ')' ELSE '' END AS line
    FROM (SELECT a.asset_id, a.key, coalesce(nullif(a.name, ''), nullif(a.key, ''), here.key) AS label
          FROM here JOIN asset AS a USING (site_id)
          WHERE concat_ws('/', here.key, nullif(a.key, '')) IN (${line:sqlstring})) AS chosen
)

-- name: slots
-- Fragment: the grain that suits the range (unless one is asked for) and all its windows up to now, stored or not.
<<scope>>, asked AS (
    SELECT $__timeFrom()::timestamptz AS from_ts, least($__timeTo()::timestamptz, now()) AS to_ts,
           CASE WHEN ${grain:sqlstring} <> 'auto' THEN ${grain:sqlstring}
                WHEN $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '4 days' THEN 'hour'
                WHEN $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '100 days' THEN 'day'
                WHEN $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '800 days' THEN 'week'
                ELSE 'month' END AS grain
), picked AS (
    SELECT from_ts, to_ts, grain, CASE WHEN grain = 'hour' THEN 'UTC' ELSE timezone END AS zone,
           CASE WHEN grain = 'shift' THEN 'day' ELSE grain END AS step
    FROM asked, here
), slot AS (
    SELECT generate_series(date_trunc(step, from_ts AT TIME ZONE zone), to_ts AT TIME ZONE zone,
                           ('1 ' || step)::interval) AS local_ts
    FROM picked
), stored AS MATERIALIZED (
    SELECT v.asset_id, v.kpi, v.window_start, v.value, v.coverage, v.completeness,
           CASE WHEN p.grain = 'hour' THEN date_trunc('hour', v.window_start AT TIME ZONE 'UTC')
                ELSE date_trunc(p.step, v.production_day::timestamp) END AS local_ts
    FROM picked AS p, scope JOIN kpi_value AS v USING (asset_id)
    WHERE v.kpi IN (<<kpi>>) AND v.grain = p.grain AND v.variant = '' AND v.product = '' AND v.job = ''
      AND v.superseded_at IS NULL AND v.window_end > p.from_ts
      AND v.window_start BETWEEN p.from_ts - interval '32 days' AND p.to_ts + interval '1 day'
)

-- name: kpi_series
-- One stored KPI of each chosen line over time, in the grain that suits the range.
WITH <<slots>>
SELECT coalesce(v.window_start, slot.local_ts AT TIME ZONE p.zone) AS "time", s.line AS metric, v.value
FROM picked AS p CROSS JOIN scope AS s CROSS JOIN slot
LEFT JOIN stored AS v ON v.asset_id = s.asset_id AND v.local_ts = slot.local_ts
ORDER BY 1, 2

-- name: kpis_series
-- Several stored KPIs of each chosen line over time, in the grain that suits the range.
WITH <<slots>>
SELECT coalesce(v.window_start, slot.local_ts AT TIME ZONE p.zone) AS "time",
       s.line || ' · ' || replace(k.kpi, '_', ' ') AS metric, v.value
FROM picked AS p CROSS JOIN scope AS s CROSS JOIN slot CROSS JOIN unnest(ARRAY[<<kpi>>]) AS k (kpi)
LEFT JOIN stored AS v ON v.asset_id = s.asset_id AND v.kpi = k.kpi AND v.local_ts = slot.local_ts
ORDER BY 1, 2

-- name: trust_series
-- Coverage and completeness as they stand beside the stored values of one KPI.
WITH <<slots>>
SELECT coalesce(v.window_start, slot.local_ts AT TIME ZONE p.zone) AS "time", s.line || ' · ' || part.name AS metric,
       CASE part.name WHEN 'coverage' THEN v.coverage ELSE v.completeness END AS value
FROM picked AS p CROSS JOIN scope AS s CROSS JOIN slot CROSS JOIN (VALUES ('coverage'), ('completeness')) AS part (name)
LEFT JOIN stored AS v ON v.asset_id = s.asset_id AND v.local_ts = slot.local_ts
ORDER BY 1, 2

-- name: kpi_by_shift
-- One stored KPI per shift: one series per line and shift, up to 100 days; a day without that shift's row is null.
WITH <<scope>>, stored AS MATERIALIZED (
    SELECT v.asset_id, v.shift, v.production_day, v.window_start, v.value
    FROM scope JOIN kpi_value AS v USING (asset_id)
    WHERE v.kpi IN (<<kpi>>) AND v.grain = 'shift' AND v.variant = '' AND v.product = '' AND v.job = ''
      AND v.superseded_at IS NULL AND v.window_end > $__timeFrom()::timestamptz
      AND v.window_start BETWEEN $__timeFrom()::timestamptz - interval '2 days' AND $__timeTo()::timestamptz
      AND $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '100 days'
), known AS (
    SELECT asset_id, shift, min(window_start - (production_day::timestamp AT TIME ZONE timezone)) AS begins_after
    FROM stored, here GROUP BY asset_id, shift
), day AS (
    SELECT generate_series(min(production_day), max(production_day), interval '1 day')::date AS production_day FROM stored
)
SELECT coalesce(v.window_start, (day.production_day::timestamp AT TIME ZONE timezone) + k.begins_after) AS "time",
       s.line || ' · ' || k.shift AS metric, v.value
FROM here CROSS JOIN day CROSS JOIN known AS k JOIN scope AS s USING (asset_id)
LEFT JOIN stored AS v USING (asset_id, shift, production_day)
ORDER BY 1, 2

-- name: coarse
-- Fragment: stored days of the range (months in ranges over 45 days) of the chosen lines.
<<scope>>, coarse AS (
    SELECT s.asset_id, s.line, v.kpi, v.grain, v.production_day, v.window_start, v.window_end, v.value, v.coverage,
           v.completeness, v.status, v.is_final, v.flags, v.factor_set, v.revision, v.computed_at
    FROM scope AS s JOIN kpi_value AS v USING (asset_id)
    WHERE v.kpi IN (<<kpi>>) AND v.variant = '' AND v.product = '' AND v.job = '' AND v.superseded_at IS NULL
      AND v.grain = CASE WHEN $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '45 days'
                         THEN 'day' ELSE 'month' END
      AND v.window_end > $__timeFrom()::timestamptz
      AND v.window_start BETWEEN $__timeFrom()::timestamptz - interval '32 days' AND $__timeTo()::timestamptz
)

-- name: kpi_latest
-- The newest stored window of one KPI, named with its window and with what limits it.
WITH <<coarse>>
SELECT DISTINCT ON (line) line,
       to_char(production_day, CASE grain WHEN 'day' THEN 'YYYY-MM-DD' ELSE 'YYYY-MM' END)
           || CASE WHEN is_final THEN '' ELSE ' provisional' END
           || CASE WHEN status IN ('provisional', 'final') THEN '' ELSE ' ' || replace(status, '_', ' ') END AS "window",
       value
FROM coarse ORDER BY line, window_start DESC

-- name: kpi_quality
-- The newest stored window of every KPI of the board with all that says how far it can be trusted.
WITH <<coarse>>
SELECT DISTINCT ON (line, kpi) line, kpi, window_start AS "from", window_end AS "to", value, coverage, completeness,
       status, array_to_string(flags, ', ') AS flags, factor_set, revision, computed_at
FROM coarse ORDER BY line, kpi, window_start DESC

-- name: factor_sets
-- Which emission factor set stands behind the stored CO2e values, and where a factor was missing.
WITH <<coarse>>
SELECT line, factor_set, replace(status, '_', ' ') AS status,
       min(window_start) AS "from", max(window_end) AS "to", count(*) AS windows
FROM coarse GROUP BY line, factor_set, status ORDER BY line, min(window_start), status

-- name: units
-- Fragment: the work units of the chosen lines.
<<scope>>, tree AS (
    SELECT a.asset_id, a.name, a.key, a.level FROM scope JOIN asset AS a USING (asset_id)
    UNION
    SELECT a.asset_id, a.name, a.key, a.level FROM asset AS a JOIN tree ON a.parent_id = tree.asset_id
), unit AS (
    SELECT asset_id, label || CASE WHEN count(*) OVER (PARTITION BY label) > 1
                                            THEN ' (' || key || ')' ELSE '' END AS unit
    FROM (SELECT asset_id, key, coalesce(nullif(name, ''), key) AS label FROM tree WHERE level = 'unit') AS found
)

-- name: states
-- The units of the chosen lines over time, of a long range its last 31 days; intervals narrower than a pixel are left out.
WITH RECURSIVE <<units>>, span AS (
    SELECT greatest($__timeFrom()::timestamptz, $__timeTo()::timestamptz - interval '31 days') AS from_ts,
           $__timeTo()::timestamptz AS to_ts
), shown AS (
    SELECT i.asset_id, i.from_ts, i.to_ts,
           i.time_class || CASE WHEN i.sub_class = '' THEN '' ELSE '/' || i.sub_class END AS state,
           lead(i.from_ts) OVER (PARTITION BY i.asset_id ORDER BY i.from_ts) AS next_ts
    FROM state_interval AS i
    WHERE i.asset_id = ANY (ARRAY(SELECT asset_id FROM unit))
      AND i.to_ts > (SELECT from_ts FROM span) AND i.from_ts < (SELECT to_ts FROM span)
      AND i.from_ts >= (SELECT from_ts - interval '8 days' FROM span)
      AND i.to_ts - i.from_ts >= $__interval_ms * interval '1 millisecond'
)
SELECT greatest(shown.from_ts, span.from_ts) AS "time", unit, state FROM shown JOIN unit USING (asset_id), span
UNION ALL
SELECT shown.to_ts, unit, NULL FROM shown JOIN unit USING (asset_id), span
WHERE next_ts IS DISTINCT FROM shown.to_ts AND shown.to_ts < span.to_ts
ORDER BY 2, 1

-- name: stops
-- Hours stopped in the range by reason (else kind of stop), cut at its edges: lengths of stored intervals, no KPI.
WITH RECURSIVE <<units>>, stop AS (
    SELECT i.reason, i.time_class, i.sub_class, count(*) AS times,
           sum(least(i.to_ts, $__timeTo()::timestamptz) - greatest(i.from_ts, $__timeFrom()::timestamptz)) AS length
    FROM state_interval AS i
    WHERE i.asset_id = ANY (ARRAY(SELECT asset_id FROM unit))
      AND i.time_class IN ('setup', 'delay', 'down_no_order', 'planned_down')
      AND i.to_ts > $__timeFrom()::timestamptz AND i.from_ts < $__timeTo()::timestamptz
      AND i.from_ts >= $__timeFrom()::timestamptz - interval '8 days'
    GROUP BY i.reason, i.time_class, i.sub_class
), named AS (
    SELECT coalesce(nullif(CASE ${lang:sqlstring} WHEN 'vi' THEN r.name_vi ELSE r.name_en END, ''),
                    nullif(stop.reason, ''),
                    replace(concat_ws(': ', stop.time_class, nullif(stop.sub_class, '')), '_', ' ')) AS reason,
           stop.length, stop.times
    FROM stop CROSS JOIN here LEFT JOIN reason AS r ON r.site_id = here.site_id AND r.key = stop.reason
)
SELECT reason, (extract(epoch FROM sum(length)) / 3600)::float8 AS hours, sum(times)::bigint AS times
FROM named GROUP BY reason ORDER BY hours DESC, reason LIMIT 15

-- name: rejected
-- What was refused in the range and why; messages of an unknown site belong to no site and are shown everywhere.
SELECT r.last_at AS "time", r.reason, r.detail, r.topic, r.payload_bytes AS bytes, r.times,
       CASE WHEN r.whole THEN 'whole message' ELSE 'some values' END AS refused, r.status
FROM rejected_message AS r LEFT JOIN site AS s USING (site_id)
WHERE (s.key = ${site:sqlstring} OR r.site_id IS NULL) AND $__timeFilter(r.last_at)
ORDER BY r.last_at DESC LIMIT 200

-- name: ledger
-- Both accounts of the site per hour of receipt (per month in ranges over 31 days); a difference must be 0.
SELECT date_trunc(CASE WHEN $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '31 days'
                       THEN 'hour' ELSE 'month' END, l.hour AT TIME ZONE s.timezone) AT TIME ZONE s.timezone AS "time",
       sum(received)::bigint AS received, sum(processed)::bigint AS processed, sum(rejected)::bigint AS rejected,
       sum(redelivered)::bigint AS redelivered,
       (sum(received) - sum(processed) - sum(rejected) - sum(redelivered))::bigint AS message_difference,
       sum(decoded)::bigint AS decoded, sum(stored)::bigint AS stored, sum(duplicate)::bigint AS duplicate,
       sum(conflict)::bigint AS conflict, sum(rejected_value)::bigint AS rejected_value,
       (sum(decoded) - sum(stored) - sum(duplicate) - sum(conflict) - sum(rejected_value))::bigint AS value_difference,
       sum(missing_seq)::bigint AS missing_seq
FROM ledger_now AS l JOIN site AS s USING (site_id)
WHERE s.key = ${site:sqlstring} AND l.hour >= $__timeFrom()::timestamptz - interval '1 hour'
  AND l.hour <= $__timeTo()::timestamptz
GROUP BY 1 ORDER BY 1 DESC LIMIT 744
