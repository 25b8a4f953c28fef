-- name: extent
-- First and last production day with values.
SELECT min(production_day), max(production_day) FROM kpi_value
WHERE site_id = %(site_id)s AND grain = 'day' AND superseded_at IS NULL

-- name: values
-- Current values of some KPIs: by day, and by the grain that stands before the name.
SELECT a.key AS scope, k.kpi, k.variant, k.grain, k.production_day, k.shift, k.job, k.product,
       (extract(epoch FROM k.window_start) * 1000000)::bigint AS from_us,
       (extract(epoch FROM k.window_end) * 1000000)::bigint AS to_us,
       k.value, k.numerator, k.denominator, k.coverage, k.completeness, k.status, k.is_final,
       array_to_string(k.flags, ' ') AS flags, (extract(epoch FROM k.computed_at) * 1000000)::bigint AS computed_us
FROM kpi_value k JOIN asset a USING (asset_id)
WHERE k.site_id = %(site_id)s AND k.superseded_at IS NULL AND k.production_day BETWEEN %(first)s AND %(last)s
  AND (k.grain = 'day' AND k.kpi = ANY (%(kpis)s) OR k.grain || '/' || k.kpi = ANY (%(kpis)s))

-- name: intervals
-- State intervals.
SELECT a.key AS asset, i.production_day, (extract(epoch FROM i.from_ts) * 1000000)::bigint AS from_us,
       (extract(epoch FROM i.to_ts) * 1000000)::bigint AS to_us, i.time_class, i.sub_class, i.reason, i.state, i.shift,
       i.origin, i.original_class
FROM state_interval i JOIN asset a USING (asset_id)
WHERE i.site_id = %(site_id)s AND i.production_day BETWEEN %(first)s AND %(last)s

-- name: quality
-- Quality of each series and day.
SELECT a.key AS asset, s.name, q.production_day, (extract(epoch FROM q.from_ts) * 1000000)::bigint AS from_us,
       (extract(epoch FROM q.to_ts) * 1000000)::bigint AS to_us, q.rows, q.received, q.expected, q.gaps, q.gap_us, q.flat_us,
       q.out_of_range
FROM series_quality q JOIN series s USING (series_id) JOIN asset a ON a.asset_id = s.asset_id
WHERE q.site_id = %(site_id)s AND q.production_day BETWEEN %(first)s AND %(last)s

-- name: ledger
-- Ledger of the site by device and hour of receipt.
SELECT d.key AS device, (extract(epoch FROM l.hour) * 1000000)::bigint AS hour_us, l.received, l.rejected, l.stored,
       array_to_string(l.latency_ms, ' ') AS latency, array_to_string(l.skew_ms, ' ') AS skew
FROM ledger_now l JOIN device d USING (device_id)
WHERE l.site_id = %(site_id)s AND l.hour >= %(from_ts)s AND l.hour < %(to_ts)s

-- name: devices
-- Devices and how they connect.
SELECT d.key AS device, a.key AS asset, d.protocol, d.tls AS encrypted, d.credential_ref IS NOT NULL AS authenticated,
       (extract(epoch FROM d.first_seen) * 1000000)::bigint AS first_seen_us,
       (extract(epoch FROM d.last_seen) * 1000000)::bigint AS last_seen_us
FROM device d LEFT JOIN asset a ON a.asset_id = d.asset_id
WHERE d.site_id = %(site_id)s

-- name: records
-- Business records that stand.
SELECT kind, key, coalesce(payload->>'asset', '') AS asset,
       (extract(epoch FROM from_ts) * 1000000)::bigint AS from_us, (extract(epoch FROM to_ts) * 1000000)::bigint AS to_us,
       payload::text AS payload, source
FROM (
    SELECT DISTINCT ON (kind, key) kind, key, from_ts, to_ts, payload, source
    FROM business_record WHERE site_id = %(site_id)s
    ORDER BY kind, key, recorded_at DESC, business_record_id DESC
) AS standing
WHERE from_ts < %(to_ts)s
ORDER BY kind, key

-- name: events
-- Alarms, stop reasons and changes.
SELECT a.key AS asset, (extract(epoch FROM e.ts) * 1000000)::bigint AS ts_us, e.kind, e.key,
       (extract(epoch FROM e.from_ts) * 1000000)::bigint AS from_us, (extract(epoch FROM e.to_ts) * 1000000)::bigint AS to_us,
       e.payload::text AS payload
FROM event e JOIN asset a USING (asset_id)
WHERE e.site_id = %(site_id)s AND e.ts >= %(from_ts)s AND e.ts < %(to_ts)s

-- name: series
-- All series with their meaning.
SELECT a.key AS asset, s.name, s.quantity, s.unit, s.kind, s.expected_period_us, s.status,
       NULL::bigint AS first_seen_us,
       EXISTS (SELECT FROM raw_day_digest r WHERE r.series_id = s.series_id)
           OR EXISTS (SELECT FROM series_quality q WHERE q.series_id = s.series_id AND q.rows > 0) AS has_readings
FROM series s JOIN asset a USING (asset_id)
WHERE s.site_id = %(site_id)s

-- name: alerts
-- Alerts and when somebody answered.
SELECT coalesce(a.key, '') AS asset, l.rule, (extract(epoch FROM l.from_ts) * 1000000)::bigint AS from_us,
       (extract(epoch FROM l.to_ts) * 1000000)::bigint AS to_us, (extract(epoch FROM k.at) * 1000000)::bigint AS acknowledged_us,
       l.detail::text AS detail
FROM alert l LEFT JOIN asset a USING (asset_id) LEFT JOIN alert_ack k USING (alert_id)
WHERE l.site_id = %(site_id)s AND l.from_ts >= %(from_ts)s AND l.from_ts < %(to_ts)s

-- name: predictions
-- What models said would happen.
SELECT a.key AS asset, p.model, (extract(epoch FROM p.made_at) * 1000000)::bigint AS made_us,
       (extract(epoch FROM p.for_ts) * 1000000)::bigint AS for_us, p.value, p.detail::text AS detail
FROM prediction p JOIN asset a USING (asset_id)
WHERE p.site_id = %(site_id)s AND p.made_at < %(to_ts)s AND p.for_ts >= %(from_ts)s

-- name: opened
-- What people of the site looked at.
SELECT (extract(epoch FROM l.at) * 1000000)::bigint AS ts_us, l.action
FROM audit_log l
WHERE l.at >= %(from_ts)s AND l.at < %(to_ts)s AND l.action LIKE 'view.%%' AND l.object = %(site)s

-- name: runs
-- When the KPI job was done with which production days.
SELECT from_day AS first, to_day AS last, (extract(epoch FROM finished_at) * 1000000)::bigint AS finished_us
FROM kpi_run WHERE site_id = %(site_id)s AND to_day >= %(first)s AND from_day <= %(last)s

-- name: baselines
-- Frozen baselines, the newest version of each.
SELECT DISTINCT ON (key) key, value, first_day, last_day, version FROM criterion_baseline
WHERE site_id = %(site_id)s ORDER BY key, version DESC

-- name: insert_baseline
-- A baseline is frozen once; another version needs a reason.
INSERT INTO criterion_baseline (site_id, key, version, value, first_day, last_day, reason)
VALUES (%(site_id)s, %(key)s, %(version)s, %(value)s, %(first_day)s, %(last_day)s, %(reason)s)
ON CONFLICT DO NOTHING RETURNING key

-- name: declarations
-- What was declared, the newest of each name by a day.
SELECT DISTINCT ON (d.name) d.name, d.value, d.statement, encode(a.sha256, 'hex')
FROM declaration d LEFT JOIN attachment a USING (attachment_id)
WHERE d.site_id = %(site_id)s AND d.valid_from <= %(day)s ORDER BY d.name, d.valid_from DESC, d.declaration_id DESC

-- name: insert_declaration
-- A declaration; an earlier one stays.
INSERT INTO declaration (site_id, name, value, statement, attachment_id, valid_from, account_id)
VALUES (%(site_id)s, %(name)s, %(value)s, %(statement)s, %(attachment_id)s, %(valid_from)s, %(account_id)s)

-- name: insert_attachment
-- A file, once per content.
INSERT INTO attachment (site_id, sha256, file_name, content, account_id)
VALUES (%(site_id)s, %(sha256)s, %(file_name)s, %(content)s, %(account_id)s) ON CONFLICT (site_id, sha256) DO NOTHING

-- name: attachment_id
-- The number of a file.
SELECT attachment_id FROM attachment WHERE site_id = %(site_id)s AND sha256 = %(sha256)s

-- name: attachment
-- A file of a site by its digest.
SELECT file_name, content FROM attachment WHERE site_id = %(site_id)s AND sha256 = %(sha256)s

-- name: declaration_rows
-- Every declaration of a site, newest first.
SELECT d.name, d.value, d.statement, encode(f.sha256, 'hex') AS attachment, d.valid_from, a.name AS account, d.at
FROM declaration d LEFT JOIN attachment f USING (attachment_id) LEFT JOIN account a ON a.account_id = d.account_id
WHERE d.site_id = %(site_id)s ORDER BY d.declaration_id DESC LIMIT %(limit)s

-- name: claim_rows
-- Every claim of a site, newest first.
SELECT c.framework, c.key, c.level, a.name AS account, c.at FROM claim c LEFT JOIN account a USING (account_id)
WHERE c.site_id = %(site_id)s ORDER BY c.claim_id DESC LIMIT %(limit)s

-- name: claims
-- What the site claims, the newest of each key.
SELECT DISTINCT ON (key) key, level FROM claim WHERE site_id = %(site_id)s AND framework = %(framework)s
ORDER BY key, claim_id DESC

-- name: insert_claim
-- A claim; an earlier one stays.
INSERT INTO claim (site_id, framework, key, level, account_id)
VALUES (%(site_id)s, %(framework)s, %(key)s, %(level)s, %(account_id)s)
