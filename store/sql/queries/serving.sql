-- What the API reads for a caller. Every statement names the caller's sites, beside row-level security.

-- name: sites
-- The caller's sites, each with its newest production day that has values.
SELECT s.site_id, s.key, s.name, s.timezone, s.country, s.grid_zone, s.factor_set, s.origin,
       (SELECT max(v.production_day) FROM kpi_value v
        WHERE v.site_id = s.site_id AND v.grain = 'day' AND v.superseded_at IS NULL) AS newest_day
FROM site s
WHERE s.site_id = ANY (%(sites)s)
ORDER BY s.key

-- name: site
-- One of the caller's sites by its key.
SELECT s.site_id, s.key, s.name, s.timezone, s.country, s.grid_zone, s.factor_set, s.origin
FROM site s
WHERE s.site_id = ANY (%(sites)s) AND s.key = %(site)s

-- name: asset_keys
-- Numbers and keys of assets of a site: those of the keys (null = all).
SELECT a.asset_id, a.key
FROM asset a
WHERE a.site_id = ANY (%(sites)s) AND a.site_id = %(site_id)s AND (%(keys)s::text[] IS NULL OR a.key = ANY (%(keys)s))

-- name: keys_of_assets
-- Numbers and keys of assets of the caller's sites by their numbers.
SELECT a.asset_id, a.key
FROM asset a
WHERE a.site_id = ANY (%(sites)s) AND a.asset_id = ANY (%(assets)s)

-- name: assets
-- The assets of a site with the settings in force now.
SELECT a.asset_id, a.key, p.key AS parent, a.level, a.kind, a.name, a.status,
       coalesce(c.critical, false) AS critical, coalesce(c.state_model, 'packml') AS state_model,
       coalesce(c.roll_up, 'sum') AS roll_up, c.max_silence_us
FROM asset a
LEFT JOIN asset p ON p.asset_id = a.parent_id
LEFT JOIN LATERAL (SELECT g.critical, g.state_model, g.roll_up, g.max_silence_us FROM asset_setting g
                   WHERE g.asset_id = a.asset_id AND g.valid_from <= now() AND (g.valid_to IS NULL OR g.valid_to > now())
                   ORDER BY g.valid_from DESC LIMIT 1) c ON true
WHERE a.site_id = ANY (%(sites)s) AND a.site_id = %(site_id)s
ORDER BY a.key

-- name: values_current
-- Current values of one KPI, one page after the cursor. Empty lists come as null, and names of assets and the KPI not at all:
-- thousands of rows a request are put together by `store.serving_values`.
SELECT v.asset_id, v.variant, v.window_start, v.window_end, v.production_day, v.shift, v.product, v.job, v.value, v.numerator,
       v.denominator, v.coverage, v.completeness, v.status, v.is_final, nullif(v.flags, '{}') AS flags, v.definition_version,
       v.factor_set, v.config_digest, v.inputs_digest, v.revision, v.computed_at, v.superseded_at,
       nullif(v.cause, '{}') AS cause
FROM kpi_value v
WHERE v.site_id = ANY (%(sites)s) AND v.asset_id = ANY (%(assets)s) AND v.kpi = %(kpi)s AND v.grain = %(grain)s
  AND v.superseded_at IS NULL
  AND (%(variant)s::text IS NULL OR v.variant = %(variant)s)
  AND (%(shift)s::text IS NULL OR v.shift = %(shift)s)
  AND (%(product)s::text IS NULL OR v.product = %(product)s)
  AND (%(job)s::text IS NULL OR v.job = %(job)s)
  AND (%(from_day)s::date IS NULL OR v.production_day >= %(from_day)s)
  AND (%(to_day)s::date IS NULL OR v.production_day < %(to_day)s)
  AND (%(from_ts)s::timestamptz IS NULL OR v.window_start >= %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR v.window_start < %(to_ts)s)
  AND (%(after_asset)s::integer IS NULL OR
       (v.asset_id, v.variant, v.production_day, v.window_start, v.shift, v.product, v.job) >
       (%(after_asset)s, %(after_variant)s::text, %(after_day)s::date, %(after_ts)s::timestamptz, %(after_shift)s::text,
        %(after_product)s::text, %(after_job)s::text))
ORDER BY v.asset_id, v.variant, v.production_day, v.window_start, v.shift, v.product, v.job
LIMIT %(limit)s

-- name: values_as_of
-- The same as it could be read at an earlier instant: the revision that stood then.
SELECT v.asset_id, v.variant, v.window_start, v.window_end, v.production_day, v.shift, v.product, v.job, v.value, v.numerator,
       v.denominator, v.coverage, v.completeness, v.status, v.is_final, nullif(v.flags, '{}') AS flags, v.definition_version,
       v.factor_set, v.config_digest, v.inputs_digest, v.revision, v.computed_at, v.superseded_at,
       nullif(v.cause, '{}') AS cause
FROM kpi_value v
WHERE v.site_id = ANY (%(sites)s) AND v.asset_id = ANY (%(assets)s) AND v.kpi = %(kpi)s AND v.grain = %(grain)s
  AND v.computed_at <= %(as_of)s AND (v.superseded_at IS NULL OR v.superseded_at > %(as_of)s)
  AND (%(variant)s::text IS NULL OR v.variant = %(variant)s)
  AND (%(shift)s::text IS NULL OR v.shift = %(shift)s)
  AND (%(product)s::text IS NULL OR v.product = %(product)s)
  AND (%(job)s::text IS NULL OR v.job = %(job)s)
  AND (%(from_day)s::date IS NULL OR v.production_day >= %(from_day)s)
  AND (%(to_day)s::date IS NULL OR v.production_day < %(to_day)s)
  AND (%(from_ts)s::timestamptz IS NULL OR v.window_start >= %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR v.window_start < %(to_ts)s)
  AND (%(after_asset)s::integer IS NULL OR
       (v.asset_id, v.variant, v.production_day, v.window_start, v.shift, v.product, v.job) >
       (%(after_asset)s, %(after_variant)s::text, %(after_day)s::date, %(after_ts)s::timestamptz, %(after_shift)s::text,
        %(after_product)s::text, %(after_job)s::text))
ORDER BY v.asset_id, v.variant, v.production_day, v.window_start, v.shift, v.product, v.job
LIMIT %(limit)s

-- name: day_values
-- All current day values of a site's production day: what the console shows.
SELECT a.key AS asset, v.kpi, v.value, v.denominator, v.coverage, v.completeness, v.status, v.is_final, v.flags, v.factor_set,
       v.window_start, v.window_end
FROM kpi_value v JOIN asset a USING (asset_id)
WHERE v.site_id = ANY (%(sites)s) AND v.site_id = %(site_id)s AND v.production_day = %(day)s AND v.grain = 'day'
  AND v.variant = '' AND v.superseded_at IS NULL AND v.kpi = ANY (%(kpis)s)
ORDER BY a.key, v.kpi

-- name: known_days
-- The first and the newest production day of a site that has day values, and the newest one not after a given day; each
-- is one step into the index.
SELECT (SELECT v.production_day FROM kpi_value v
        WHERE v.site_id = ANY (%(sites)s) AND v.site_id = %(site_id)s AND v.grain = 'day' AND v.superseded_at IS NULL
        ORDER BY v.production_day LIMIT 1) AS first_day,
       (SELECT v.production_day FROM kpi_value v
        WHERE v.site_id = ANY (%(sites)s) AND v.site_id = %(site_id)s AND v.grain = 'day' AND v.superseded_at IS NULL
        ORDER BY v.production_day DESC LIMIT 1) AS newest_day,
       (SELECT v.production_day FROM kpi_value v
        WHERE v.site_id = ANY (%(sites)s) AND v.site_id = %(site_id)s AND v.grain = 'day' AND v.superseded_at IS NULL
          AND v.production_day <= %(day)s
        ORDER BY v.production_day DESC LIMIT 1) AS newest_not_after

-- name: intervals
-- State intervals that overlap a range, one page after the cursor, each with the newest correction in force that touches it
-- (none is longer than 31 days).
SELECT i.asset_id, a.key AS asset, i.production_day, i.from_ts, i.to_ts,
       (extract(epoch FROM i.to_ts - i.from_ts))::float8 AS duration_s,
       i.time_class, i.sub_class, i.reason, i.state, i.shift, i.origin, i.original_class, i.original_sub_class,
       i.original_reason, n.annotation
FROM state_interval i JOIN asset a USING (asset_id)
LEFT JOIN LATERAL (
    SELECT jsonb_build_object(
        'id', n.annotation_id, 'from_ts', n.from_ts, 'to_ts', n.to_ts, 'note', n.note, 'created_at', n.created_at,
        'reason', (SELECT r.key FROM reason r WHERE r.reason_id = n.reason_id),
        'product', (SELECT p.key FROM product p WHERE p.product_id = n.product_id),
        'account', (SELECT c.name FROM account c WHERE c.account_id = n.account_id)) AS annotation
    FROM annotation n
    WHERE n.asset_id = i.asset_id AND n.from_ts < i.to_ts AND n.to_ts > i.from_ts
      AND n.from_ts > i.from_ts - interval '31 days' AND NOT n.revoked
      AND NOT EXISTS (SELECT FROM annotation later WHERE later.supersedes = n.annotation_id)
    ORDER BY n.created_at DESC, n.annotation_id DESC LIMIT 1) n ON true
WHERE i.site_id = ANY (%(sites)s) AND i.asset_id = ANY (%(assets)s)
  AND (%(classes)s::text[] IS NULL OR i.time_class = ANY (%(classes)s))
  AND (%(from_day)s::date IS NULL OR i.production_day >= %(from_day)s)
  AND (%(to_day)s::date IS NULL OR i.production_day < %(to_day)s)
  AND (%(from_ts)s::timestamptz IS NULL OR i.to_ts > %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR i.from_ts < %(to_ts)s)
  AND (%(after_asset)s::integer IS NULL OR (i.asset_id, i.from_ts) > (%(after_asset)s, %(after_ts)s::timestamptz))
ORDER BY i.asset_id, i.from_ts
LIMIT %(limit)s

-- name: reasons
-- The reasons of a site that an engineer can give.
SELECT r.key, r.name_vi, r.name_en, r.time_class, r.sub_class FROM reason r
WHERE r.site_id = ANY (%(sites)s) AND r.site_id = %(site_id)s AND (r.valid_to IS NULL OR r.valid_to > now())
ORDER BY r.key

-- name: rejected
-- Rejected messages, newest first, one page after the cursor; without a site also those of no known site.
SELECT r.rejected_message_id AS id, s.key AS site, d.key AS device, r.topic, r.reason, r.detail, r.whole, r.payload_bytes,
       CASE WHEN %(with_payload)s THEN substring(r.payload FROM 1 FOR 400) END AS payload_head,
       r.first_at, r.last_at, r.times, r.status, r.replayable, q.requested_at, q.done_at, q.outcome
FROM rejected_message r
LEFT JOIN site s ON s.site_id = r.site_id
LEFT JOIN device d ON d.device_id = r.device_id
LEFT JOIN LATERAL (SELECT requested_at, done_at, outcome FROM replay_request
                   WHERE rejected_message_id = r.rejected_message_id ORDER BY replay_request_id DESC LIMIT 1) q ON true
WHERE (r.site_id = ANY (%(sites)s) OR (r.site_id IS NULL AND %(sees_unknown)s))
  AND (%(site_id)s::integer IS NULL OR r.site_id = %(site_id)s OR (r.site_id IS NULL AND %(sees_unknown)s AND %(with_unknown)s))
  AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
  AND (%(topic)s::text IS NULL OR starts_with(r.topic, %(topic)s))
  AND (%(from_ts)s::timestamptz IS NULL OR r.last_at >= %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR r.last_at < %(to_ts)s)
  AND (%(status)s::text IS NULL OR r.status = %(status)s)
  AND (%(before_id)s::bigint IS NULL OR r.rejected_message_id < %(before_id)s)
ORDER BY r.rejected_message_id DESC
LIMIT %(limit)s

-- name: rejected_payload
-- The kept bytes of one rejected message.
SELECT payload FROM rejected_message
WHERE rejected_message_id = %(id)s AND (site_id = ANY (%(sites)s) OR (site_id IS NULL AND %(sees_unknown)s))

-- name: ledger
-- Both accounts of ingest per hour and device, one page after the cursor.
SELECT l.hour, s.key AS site, d.key AS device, l.received, l.processed, l.rejected, l.redelivered, l.decoded, l.stored,
       l.duplicate, l.conflict, l.rejected_value, l.ignored, l.missing_seq, l.replayed, l.latency_ms, l.skew_ms,
       coalesce(l.site_id, 0) AS site_number, coalesce(l.device_id, 0) AS device_number
FROM ledger_now l
LEFT JOIN site s ON s.site_id = l.site_id
LEFT JOIN device d ON d.device_id = l.device_id
WHERE (l.site_id = ANY (%(sites)s) OR (l.site_id IS NULL AND %(sees_unknown)s))
  AND (%(site_id)s::integer IS NULL OR l.site_id = %(site_id)s)
  AND (%(device)s::text IS NULL OR d.key = %(device)s)
  AND (%(from_ts)s::timestamptz IS NULL OR l.hour >= %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR l.hour < %(to_ts)s)
  AND (%(after_hour)s::timestamptz IS NULL OR
       (l.hour, coalesce(l.site_id, 0), coalesce(l.device_id, 0)) > (%(after_hour)s, %(after_site)s::integer, %(after_device)s::integer))
ORDER BY l.hour, site_number, device_number
LIMIT %(limit)s

-- name: ledger_total
-- The same rows added up, not cut into pages; newest_hour is the newest hour among them.
SELECT coalesce(sum(l.received), 0)::bigint AS received, coalesce(sum(l.processed), 0)::bigint AS processed,
       coalesce(sum(l.rejected), 0)::bigint AS rejected, coalesce(sum(l.redelivered), 0)::bigint AS redelivered,
       coalesce(sum(l.decoded), 0)::bigint AS decoded, coalesce(sum(l.stored), 0)::bigint AS stored,
       coalesce(sum(l.duplicate), 0)::bigint AS duplicate, coalesce(sum(l.conflict), 0)::bigint AS conflict,
       coalesce(sum(l.rejected_value), 0)::bigint AS rejected_value, coalesce(sum(l.ignored), 0)::bigint AS ignored,
       coalesce(sum(l.missing_seq), 0)::bigint AS missing_seq, coalesce(sum(l.replayed), 0)::bigint AS replayed,
       max(l.hour) AS newest_hour
FROM ledger_now l LEFT JOIN device d ON d.device_id = l.device_id
WHERE (l.site_id = ANY (%(sites)s) OR (l.site_id IS NULL AND %(sees_unknown)s))
  AND (%(site_id)s::integer IS NULL OR l.site_id = %(site_id)s)
  AND (%(device)s::text IS NULL OR d.key = %(device)s)
  AND (%(from_ts)s::timestamptz IS NULL OR l.hour >= %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR l.hour < %(to_ts)s)

-- name: ledger_histograms
-- The histograms of the same rows added up.
SELECT array_remove(ARRAY[sum(l.latency_ms[1]), sum(l.latency_ms[2]), sum(l.latency_ms[3]), sum(l.latency_ms[4]), sum(l.latency_ms[5]), sum(l.latency_ms[6]),
             sum(l.latency_ms[7]), sum(l.latency_ms[8]), sum(l.latency_ms[9]), sum(l.latency_ms[10]), sum(l.latency_ms[11]), sum(l.latency_ms[12]),
             sum(l.latency_ms[13]), sum(l.latency_ms[14]), sum(l.latency_ms[15]), sum(l.latency_ms[16])]::bigint[], NULL) AS latency_ms,
       array_remove(ARRAY[sum(l.skew_ms[1]), sum(l.skew_ms[2]), sum(l.skew_ms[3]), sum(l.skew_ms[4]), sum(l.skew_ms[5]), sum(l.skew_ms[6]),
             sum(l.skew_ms[7]), sum(l.skew_ms[8]), sum(l.skew_ms[9]), sum(l.skew_ms[10]), sum(l.skew_ms[11]), sum(l.skew_ms[12]),
             sum(l.skew_ms[13]), sum(l.skew_ms[14]), sum(l.skew_ms[15]), sum(l.skew_ms[16])]::bigint[], NULL) AS skew_ms
FROM ledger_now l LEFT JOIN device d ON d.device_id = l.device_id
WHERE (l.site_id = ANY (%(sites)s) OR (l.site_id IS NULL AND %(sees_unknown)s))
  AND (%(site_id)s::integer IS NULL OR l.site_id = %(site_id)s)
  AND (%(device)s::text IS NULL OR d.key = %(device)s)
  AND (%(from_ts)s::timestamptz IS NULL OR l.hour >= %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR l.hour < %(to_ts)s)

-- name: conflicts
-- Values and events that differ from what is stored under their key, newest first, one page after the cursor.
SELECT c.reading_conflict_id AS id, s.key AS site, a.key AS asset, coalesce(e.name, c.event_kind) AS name, c.event_key,
       c.ts, c.stored, c.received, c.received_at
FROM reading_conflict c
JOIN site s ON s.site_id = c.site_id
LEFT JOIN series e ON e.series_id = c.series_id
LEFT JOIN asset a ON a.asset_id = coalesce(c.asset_id, e.asset_id)
WHERE c.site_id = ANY (%(sites)s) AND (%(site_id)s::integer IS NULL OR c.site_id = %(site_id)s)
  AND (%(from_ts)s::timestamptz IS NULL OR c.received_at >= %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR c.received_at < %(to_ts)s)
  AND (%(before_id)s::bigint IS NULL OR c.reading_conflict_id < %(before_id)s)
ORDER BY c.reading_conflict_id DESC
LIMIT %(limit)s

-- name: newest_states
-- The newest state reading between two instants of each unit of a site, since when that state is unchanged (looking back
-- two days), and when the unit or its device was last heard: a machine that reports by exception is not silent while its
-- counters move. All bounds are parameters, so that partitions outside them are never touched.
SELECT a.key AS asset, now_.ts, now_.quality, y.text AS state,
       (SELECT max(newest.ts) FROM series other
        CROSS JOIN LATERAL (SELECT r.ts FROM reading r
                            WHERE r.series_id = other.series_id AND r.ts >= %(since)s AND r.ts < %(until)s
                            ORDER BY r.ts DESC LIMIT 1) newest
        WHERE other.asset_id = se.asset_id OR other.device_id = se.device_id) AS heard,
       (SELECT min(r.ts) FROM reading r
        WHERE r.series_id = se.series_id AND r.ts >= %(look_back)s AND r.ts < %(until)s AND r.ts <= now_.ts
          AND r.ts > coalesce(
            (SELECT q.ts FROM reading q
             WHERE q.series_id = se.series_id AND q.ts >= %(look_back)s AND q.ts < %(until)s AND q.ts < now_.ts
               AND q.ts > now_.ts - interval '2 days' AND q.value IS DISTINCT FROM now_.value
             ORDER BY q.ts DESC LIMIT 1),
            now_.ts - interval '2 days')) AS since
FROM series se
JOIN asset a USING (asset_id)
CROSS JOIN LATERAL (SELECT r.ts, r.value, r.quality FROM reading r
                    WHERE r.series_id = se.series_id AND r.ts >= %(since)s AND r.ts < %(until)s
                    ORDER BY r.ts DESC LIMIT 1) now_
LEFT JOIN symbol y ON y.symbol_id = now_.value::bigint
WHERE se.site_id = ANY (%(sites)s) AND se.site_id = %(site_id)s AND se.quantity = 'state' AND se.status = 'active'
  AND a.level = 'unit'
ORDER BY a.key, now_.ts DESC

-- name: newest_intervals
-- The last state interval of each unit of a site that the KPI job has seen.
SELECT DISTINCT ON (i.asset_id) a.key AS asset, i.from_ts, i.to_ts, i.time_class, i.sub_class, i.reason, i.state, i.origin
FROM asset a JOIN state_interval i USING (asset_id)
WHERE i.site_id = ANY (%(sites)s) AND a.site_id = %(site_id)s AND a.level = 'unit'
  AND i.production_day >= %(from_day)s AND i.from_ts <= now() AND i.time_class <> 'not_scheduled'
ORDER BY i.asset_id, i.from_ts DESC

-- name: state_rules
-- A site's own state names in force now; asset null = of all units.
SELECT a.key AS asset, m.state, m.time_class, m.sub_class
FROM state_map m LEFT JOIN asset a USING (asset_id)
WHERE m.site_id = ANY (%(sites)s) AND m.site_id = %(site_id)s AND m.mode = ''
  AND m.valid_from <= now() AND (m.valid_to IS NULL OR m.valid_to > now())

-- name: factor_sets
-- Factor sets by their key: name, source, newest version; the shipped ones and those of the site.
SELECT DISTINCT ON (f.key) f.key, f.version, f.name, f.source
FROM factor_set f
WHERE f.site_id IS NULL OR (f.site_id = ANY (%(sites)s) AND f.site_id = %(site_id)s)
ORDER BY f.key, f.site_id NULLS LAST, f.version DESC

-- name: every_site_id
-- All sites, for figures about the installation that show no content.
SELECT site_id FROM site ORDER BY site_id

-- name: freshness
-- Age of things in seconds, null where there was none yet. Needs the scope of every site.
SELECT extract(epoch FROM now() - (SELECT max(last_seen) FROM device))::float8 AS last_message_age_s,
       extract(epoch FROM now() - (SELECT max(finished_at) FROM kpi_run))::float8 AS last_kpi_run_age_s,
       extract(epoch FROM now() - (SELECT min(at) FROM dirty_mark))::float8 AS oldest_dirty_mark_age_s,
       (SELECT count(*) FROM rejected_message WHERE status = 'open') AS open_rejected_messages

-- name: schema_revision
-- The revision of this database's schema.
SELECT version_num FROM alembic_version
