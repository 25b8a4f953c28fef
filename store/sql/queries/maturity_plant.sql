-- What the benchmark of assessments prepares: the values of a plant once more for its other halls.

-- name: multiply_values
-- Values of an asset for those that are named like it in areas with a number.
INSERT INTO kpi_value (site_id, asset_id, product, job, shift, kpi, variant, grain, window_start, window_end, production_day,
                       value, numerator, denominator, coverage, completeness, status, is_final, flags, definition_version,
                       factor_set, config_digest, inputs_digest)
SELECT k.site_id, b.asset_id, k.product, k.job, k.shift, k.kpi, k.variant, k.grain, k.window_start, k.window_end,
       k.production_day, k.value, k.numerator, k.denominator, k.coverage, k.completeness, k.status, k.is_final, k.flags,
       k.definition_version, k.factor_set, k.config_digest, k.inputs_digest
FROM kpi_value k JOIN asset a USING (asset_id) JOIN site s ON s.site_id = k.site_id
JOIN asset b ON b.site_id = a.site_id AND b.asset_id <> a.asset_id AND regexp_replace(b.key, '^([^/]+)-[0-9]+', '\1') = a.key
WHERE s.key = %(site)s AND k.superseded_at IS NULL AND k.grain IN ('shift', 'day', 'job', 'product')

-- name: multiply_intervals
-- State intervals likewise.
INSERT INTO state_interval (site_id, asset_id, production_day, from_ts, to_ts, time_class, sub_class, reason, state, shift,
                            origin, original_class, original_sub_class, original_reason)
SELECT i.site_id, b.asset_id, i.production_day, i.from_ts, i.to_ts, i.time_class, i.sub_class, i.reason, i.state, i.shift,
       i.origin, i.original_class, i.original_sub_class, i.original_reason
FROM state_interval i JOIN asset a USING (asset_id) JOIN site s ON s.site_id = i.site_id
JOIN asset b ON b.site_id = a.site_id AND b.asset_id <> a.asset_id AND regexp_replace(b.key, '^([^/]+)-[0-9]+', '\1') = a.key
WHERE s.key = %(site)s

-- name: multiply_quality
-- Quality of series likewise.
INSERT INTO series_quality (site_id, series_id, production_day, from_ts, to_ts, rows, received, expected, gaps, gap_us,
                            longest_gap_us, flat_spans, flat_us, longest_flat_us, out_of_range, resets, last_ts)
SELECT q.site_id, z.series_id, q.production_day, q.from_ts, q.to_ts, q.rows, q.received, q.expected, q.gaps, q.gap_us,
       q.longest_gap_us, q.flat_spans, q.flat_us, q.longest_flat_us, q.out_of_range, q.resets, q.last_ts
FROM series_quality q JOIN series x USING (series_id) JOIN asset a USING (asset_id) JOIN site s ON s.site_id = q.site_id
JOIN asset b ON b.site_id = a.site_id AND b.asset_id <> a.asset_id AND regexp_replace(b.key, '^([^/]+)-[0-9]+', '\1') = a.key
JOIN series z ON z.asset_id = b.asset_id AND z.name = x.name
WHERE s.key = %(site)s

-- name: after_multiplying
-- Statistics of what was written, as autovacuum would make them.
ANALYZE kpi_value, state_interval, series_quality
