-- What an evidence package holds besides what the KPI computation and an assessment read.

-- name: values
-- Final values of the windows that begin in the period, and of weeks, months and jobs that reach into it.
SELECT a.key AS scope, k.grain, k.product, k.job, k.shift, k.kpi, k.variant,
       (extract(epoch FROM k.window_start) * 1000000)::bigint AS window_start,
       (extract(epoch FROM k.window_end) * 1000000)::bigint AS window_end,
       k.production_day, k.value, k.numerator, k.denominator, k.coverage, k.completeness, k.status,
       array_to_string(k.flags, ' ') AS flags, k.definition_version, k.factor_set, k.config_digest, k.inputs_digest,
       k.revision, array_to_string(k.cause, ' ') AS cause,
       (extract(epoch FROM k.computed_at) * 1000000)::bigint AS computed_us
FROM kpi_value k JOIN asset a USING (asset_id)
WHERE k.site_id = %(site_id)s AND k.superseded_at IS NULL AND k.is_final
  AND (k.production_day BETWEEN %(first)s AND %(last)s
       OR (k.grain IN ('week', 'month', 'job') AND k.production_day BETWEEN %(first)s::date - 92 AND %(first)s::date - 1
           AND k.window_end > %(from_ts)s))

-- name: open_days
-- Production days of the period of which values are not final yet.
SELECT DISTINCT k.production_day FROM kpi_value k
WHERE k.site_id = %(site_id)s AND k.superseded_at IS NULL AND NOT k.is_final AND k.grain IN ('hour', 'shift', 'day', 'product')
  AND k.production_day BETWEEN %(first)s AND %(last)s ORDER BY 1

-- name: waiting
-- The first change of inputs in a range that is still to be computed; changed settings are none, values name theirs. The
-- mark of a business record ends with it and has the cause of changed settings.
SELECT CASE m.cause WHEN 'registry' THEN 'business record' ELSE m.cause END, greatest(m.from_ts, %(from_ts)s)
FROM dirty_mark m
WHERE m.site_id = %(site_id)s AND m.from_ts < %(to_ts)s AND m.to_ts > %(from_ts)s
  AND (m.cause IN ('data', 'late_data', 'annotation', 'mapping', 'carry')
       OR (m.cause = 'registry' AND EXISTS (
            SELECT FROM business_record b WHERE b.site_id = m.site_id AND b.to_ts = m.to_ts)))
ORDER BY m.from_ts, m.dirty_mark_id LIMIT 1

-- name: configs
-- Registries by their digest.
SELECT digest, json FROM config_snapshot WHERE digest = ANY (%(digests)s) ORDER BY digest

-- name: logged
-- The newest record of each of these objects, with its place.
SELECT DISTINCT ON (object) seq, record FROM evidence_log
WHERE site_id = %(site_id)s AND object = ANY (%(objects)s) ORDER BY object, seq DESC
