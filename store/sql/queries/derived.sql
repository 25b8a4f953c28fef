-- Derived data: replaced per site-day, KPI values revised with their history kept.

-- name: try_lock_site
-- One KPI computation per site at a time; the lock ends with the transaction.
SELECT pg_try_advisory_xact_lock(hashtext('haidang.kpi'), %(site_id)s)

-- name: sites
-- Keys of all sites of this factory.
SELECT key FROM site WHERE origin = 'local' ORDER BY key

-- name: marks
-- What must be computed again, as half-open ranges in µs UTC.
SELECT m.dirty_mark_id, coalesce(a.key, ''), (extract(epoch FROM m.from_ts) * 1000000)::bigint,
       (extract(epoch FROM m.to_ts) * 1000000)::bigint, m.cause
FROM dirty_mark m LEFT JOIN asset a USING (asset_id)
WHERE m.site_id = %(site_id)s
ORDER BY m.dirty_mark_id

-- name: lock_marks
-- Takes the marks that this computation answers, before it reads.
SELECT dirty_mark_id FROM dirty_mark WHERE dirty_mark_id = ANY (%(ids)s) ORDER BY dirty_mark_id FOR UPDATE SKIP LOCKED

-- name: delete_marks
-- The answered marks, and no other.
DELETE FROM dirty_mark WHERE dirty_mark_id = ANY (%(ids)s)

-- name: insert_mark
-- Asks for another computation.
INSERT INTO dirty_mark (site_id, asset_id, from_ts, to_ts, cause)
VALUES (%(site_id)s, NULL, %(from_ts)s, %(to_ts)s, %(cause)s)
RETURNING dirty_mark_id

-- name: runs
-- Which production days have been computed at least once.
SELECT DISTINCT from_day, to_day FROM kpi_run WHERE site_id = %(site_id)s ORDER BY from_day, to_day

-- name: due_windows
-- Provisional windows whose end and lateness allowance have passed.
SELECT DISTINCT k.grain, k.production_day, k.job
FROM kpi_value k JOIN site s USING (site_id)
WHERE k.site_id = %(site_id)s AND k.superseded_at IS NULL AND NOT k.is_final
  AND k.window_end + s.lateness_us * interval '1 microsecond' <= %(now)s
ORDER BY k.grain, k.production_day, k.job

-- name: insert_config_snapshot
-- The registry in force, once per content.
INSERT INTO config_snapshot (digest, site_id, json) VALUES (%(digest)s, %(site_id)s, %(json)s) ON CONFLICT DO NOTHING

-- name: insert_run
-- The run log, with what an engineer should look at.
INSERT INTO kpi_run (site_id, from_day, to_day, started_at, finished_at, readings, values_new, values_revised, finding)
VALUES (%(site_id)s, %(from_day)s, %(to_day)s, %(started_at)s, clock_timestamp(), %(readings)s, %(values_new)s,
        %(values_revised)s, %(finding)s)

-- name: findings
-- What the newest computation of each day noticed.
WITH newest AS (
    SELECT DISTINCT ON (d.day) d.day, r.kpi_run_id
    FROM kpi_run r CROSS JOIN LATERAL generate_series(
        greatest(r.from_day, %(from_day)s::date), least(r.to_day, %(to_day)s::date), interval '1 day') AS d(day)
    WHERE r.site_id = %(site_id)s
    ORDER BY d.day, r.kpi_run_id DESC
)
SELECT r.from_day, r.to_day, r.finding
FROM kpi_run r WHERE r.kpi_run_id IN (SELECT kpi_run_id FROM newest) AND r.finding <> '[]'
ORDER BY r.from_day, r.kpi_run_id

-- name: stored_contents
-- What there is of each asset in a range of production days, in the columns of atoms.
SELECT DISTINCT a.key AS asset, t.production_day, 0::bigint AS hour_us, '' AS shift, '' AS job, '' AS product,
       '' AS tariff_period, t.quantity, '' AS qualifier, '' AS time_class, '' AS sub_class, '' AS reason, t.origin,
       0::bigint AS duration_us, 0::float8 AS amount
FROM atom t JOIN asset a USING (asset_id)
WHERE t.site_id = %(site_id)s AND t.production_day BETWEEN %(from_day)s AND %(to_day)s

-- name: stored_atoms
-- Atoms of a range of production days, to build longer windows from; of some assets or of all.
SELECT a.key AS asset, t.production_day, (extract(epoch FROM t.hour) * 1000000)::bigint AS hour_us, t.shift, t.job,
       t.product, t.tariff_period, t.quantity, t.qualifier, t.time_class, t.sub_class, t.reason, t.origin, t.duration_us,
       t.amount
FROM atom t JOIN asset a USING (asset_id)
WHERE t.site_id = %(site_id)s AND t.production_day BETWEEN %(from_day)s AND %(to_day)s
  AND (%(assets)s::text[] IS NULL OR a.key = ANY (%(assets)s::text[]))

-- name: stored_job_atoms
-- Atoms of whole jobs.
SELECT a.key AS asset, t.production_day, (extract(epoch FROM t.hour) * 1000000)::bigint AS hour_us, t.shift, t.job,
       t.product, t.tariff_period, t.quantity, t.qualifier, t.time_class, t.sub_class, t.reason, t.origin, t.duration_us,
       t.amount
FROM atom t JOIN asset a USING (asset_id)
WHERE t.site_id = %(site_id)s AND t.production_day >= %(from_day)s AND t.job = ANY (%(jobs)s)

-- name: stored_jobs
-- Jobs of a range of production days.
SELECT DISTINCT job FROM atom
WHERE site_id = %(site_id)s AND production_day BETWEEN %(from_day)s AND %(to_day)s AND job <> ''

-- name: stored_interval_series
-- Demand intervals of a range of production days, of some assets or of all.
SELECT a.key AS asset, i.quantity, i.production_day, (extract(epoch FROM i.from_ts) * 1000000)::bigint AS from_us,
       i.interval_us, i.value
FROM interval_series i JOIN asset a USING (asset_id)
WHERE i.site_id = %(site_id)s AND i.production_day BETWEEN %(from_day)s AND %(to_day)s
  AND (%(assets)s::text[] IS NULL OR a.key = ANY (%(assets)s::text[]))

-- name: atom_revisions
-- Revision of the stored atoms per production day, and whether that day's values were final.
SELECT t.production_day, max(t.revision),
       EXISTS (SELECT FROM kpi_value k WHERE k.site_id = %(site_id)s AND k.production_day = t.production_day
               AND k.grain = 'day' AND k.is_final AND k.superseded_at IS NULL)
FROM atom t WHERE t.site_id = %(site_id)s AND t.production_day = ANY (%(days)s)
GROUP BY t.production_day

-- name: day_digests
-- Digest of the inputs per production day, as earlier computations noted it.
SELECT k.production_day, max(k.inputs_digest) FROM kpi_value k
WHERE k.site_id = %(site_id)s AND k.production_day BETWEEN %(from_day)s AND %(to_day)s AND k.grain = 'day'
  AND k.superseded_at IS NULL AND k.inputs_digest <> '' AND NOT ('withdrawn' = ANY (k.flags))
GROUP BY 1 ORDER BY 1

-- name: delete_atoms
-- Atoms of the days that are written anew.
DELETE FROM atom WHERE site_id = %(site_id)s AND production_day = ANY (%(days)s)

-- name: delete_state_intervals
-- State intervals of the days that are written anew.
DELETE FROM state_interval WHERE site_id = %(site_id)s AND production_day = ANY (%(days)s)

-- name: delete_interval_series
-- Demand intervals of the days that are written anew.
DELETE FROM interval_series WHERE site_id = %(site_id)s AND production_day = ANY (%(days)s)

-- name: delete_carry
-- Carry of the days that are written anew.
DELETE FROM carry_state WHERE site_id = %(site_id)s AND production_day = ANY (%(days)s)

-- name: carry
-- What a production day hands to the next one.
SELECT a.key, c.payload, c.digest FROM carry_state c JOIN asset a USING (asset_id)
WHERE c.site_id = %(site_id)s AND c.production_day = %(day)s ORDER BY a.key

-- name: temporary_values
-- Where new values wait to be compared with the stored ones.
CREATE TEMPORARY TABLE new_value (
    asset_id integer, product text, job text, shift text, kpi text, variant text, grain text, window_start timestamptz,
    window_end timestamptz, production_day date, value double precision, numerator double precision,
    denominator double precision, coverage double precision, completeness double precision, status text,
    is_final boolean, flags text[], definition_version integer, factor_set text, config_digest text, inputs_digest text
) ON COMMIT DROP;
CREATE TEMPORARY TABLE owned_window (grain text, production_day date, job text, cause text[]) ON COMMIT DROP

-- name: analyze_values
-- Lets the planner see how much there is.
ANALYZE new_value (asset_id, kpi, grain, production_day, window_start), owned_window

-- name: join_by_hash
-- Statistics lag behind the first big load: without them the planner would compare row by row.
SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'

-- name: join_freely
-- Back to the planner's own choice.
SET LOCAL enable_nestloop = on

-- name: keep_final
-- A final value never becomes provisional again; one that is lost says why, as the flags of a provisional one do.
UPDATE new_value n SET is_final = true,
    status = CASE WHEN n.value IS NULL THEN coalesce(
                      (SELECT f FROM unnest(n.flags) AS f WHERE f IN ('no_data', 'no_ideal_cycle', 'no_factor', 'no_tariff') LIMIT 1),
                      CASE WHEN k.value IS NULL THEN k.status ELSE 'no_data' END)
                  WHEN k.status IN ('final', 'low_confidence') THEN k.status ELSE 'final' END,
    flags = array_remove(array_remove(array_remove(array_remove(n.flags, 'no_data'), 'no_ideal_cycle'), 'no_factor'), 'no_tariff')
FROM kpi_value k
WHERE NOT n.is_final AND k.site_id = %(site_id)s AND k.superseded_at IS NULL AND k.is_final
  AND (k.asset_id, k.kpi, k.variant, k.grain, k.production_day, k.window_start, k.shift, k.product, k.job)
    = (n.asset_id, n.kpi, n.variant, n.grain, n.production_day, n.window_start, n.shift, n.product, n.job)

-- name: compare_values
-- New and differing values, beside the row that they take the place of. Where nobody asked for the computation, the
-- cause is what differs from the stored row.
CREATE TEMPORARY TABLE changed_value ON COMMIT DROP AS
SELECT n.*, k.kpi_value_id AS old_id, coalesce(k.is_final, false) AS was_final, k.revision AS old_revision,
       CASE WHEN k.is_final THEN k.computed_at + interval '1 microsecond' END AS not_before,
       CASE WHEN cardinality(o.cause) > 0 THEN o.cause
            WHEN k.definition_version <> n.definition_version THEN '{definition}'
            WHEN k.factor_set IS DISTINCT FROM n.factor_set THEN '{factor_set}'
            WHEN k.config_digest <> n.config_digest THEN '{registry}'
            WHEN k.inputs_digest <> n.inputs_digest THEN '{late_data}'
            ELSE '{definition}' END AS cause
FROM new_value n
JOIN owned_window o ON (o.grain, o.production_day, o.job) = (n.grain, n.production_day, n.job)
LEFT JOIN (SELECT * FROM kpi_value WHERE site_id = %(site_id)s AND superseded_at IS NULL
           AND production_day = ANY (%(days)s)) k
  ON (k.asset_id, k.kpi, k.variant, k.grain, k.production_day, k.window_start, k.shift, k.product, k.job)
   = (n.asset_id, n.kpi, n.variant, n.grain, n.production_day, n.window_start, n.shift, n.product, n.job)
WHERE k.kpi_value_id IS NULL
   OR (n.value, n.numerator, n.denominator, n.coverage, n.completeness, n.status, n.is_final, n.flags, n.window_end,
       n.definition_version, n.factor_set)
   IS DISTINCT FROM
      (k.value, k.numerator, k.denominator, k.coverage, k.completeness, k.status, k.is_final, k.flags, k.window_end,
       k.definition_version, k.factor_set)

-- name: find_withdrawn
-- Stored values of the windows built now that did not come out again.
CREATE TEMPORARY TABLE withdrawn_value ON COMMIT DROP AS
SELECT k.*, CASE WHEN cardinality(o.cause) > 0 THEN o.cause
                 WHEN k.config_digest <> %(config_digest)s THEN '{registry}' ELSE '{late_data}' END AS new_cause
FROM kpi_value k
JOIN owned_window o ON (o.grain, o.production_day, o.job) = (k.grain, k.production_day, k.job)
WHERE k.site_id = %(site_id)s AND k.superseded_at IS NULL AND k.production_day = ANY (%(days)s)
  AND NOT ('withdrawn' = ANY (k.flags))
  AND NOT EXISTS (
    SELECT FROM new_value n
    WHERE (k.asset_id, k.kpi, k.variant, k.grain, k.production_day, k.window_start, k.shift, k.product, k.job)
        = (n.asset_id, n.kpi, n.variant, n.grain, n.production_day, n.window_start, n.shift, n.product, n.job))

-- name: supersede_values
-- Final rows that get another revision stay, with the instant until which they stood: after the one of their own, also
-- where the server's clock was set back meanwhile.
UPDATE kpi_value SET superseded_at = greatest(now(), computed_at + interval '1 microsecond')
WHERE kpi_value_id IN (SELECT old_id FROM changed_value WHERE was_final
                       UNION ALL SELECT kpi_value_id FROM withdrawn_value WHERE is_final)

-- name: delete_provisional
-- Provisional rows are replaced in place.
DELETE FROM kpi_value
WHERE kpi_value_id IN (SELECT old_id FROM changed_value WHERE NOT was_final
                       UNION ALL SELECT kpi_value_id FROM withdrawn_value WHERE NOT is_final)

-- name: insert_values
-- The new rows; a revision of a final value says why.
INSERT INTO kpi_value (site_id, asset_id, product, job, shift, kpi, variant, grain, window_start, window_end,
    production_day, value, numerator, denominator, coverage, completeness, status, is_final, flags, definition_version,
    factor_set, config_digest, inputs_digest, revision, cause, computed_at)
SELECT %(site_id)s, asset_id, product, job, shift, kpi, variant, grain, window_start, window_end, production_day, value,
    numerator, denominator, coverage, completeness, status, is_final, flags, definition_version, factor_set,
    config_digest, inputs_digest, coalesce(old_revision + was_final::integer, 1),
    CASE WHEN was_final THEN cause ELSE '{}' END, greatest(now(), not_before)
FROM changed_value
ORDER BY asset_id, kpi, variant, grain, production_day, window_start

-- name: insert_withdrawn
-- A final value that can no longer be computed is revised to none.
INSERT INTO kpi_value (site_id, asset_id, product, job, shift, kpi, variant, grain, window_start, window_end,
    production_day, status, is_final, flags, definition_version, factor_set, config_digest, inputs_digest, revision, cause,
    computed_at)
SELECT site_id, asset_id, product, job, shift, kpi, variant, grain, window_start, window_end, production_day, 'no_data',
    true, '{withdrawn}', definition_version, factor_set, %(config_digest)s, '', revision + 1, new_cause,
    greatest(now(), computed_at + interval '1 microsecond')
FROM withdrawn_value WHERE is_final

-- name: count_changes
-- New rows, and revisions of final ones.
SELECT (SELECT count(*) FROM changed_value WHERE NOT was_final),
       (SELECT count(*) FROM changed_value WHERE was_final) + (SELECT count(*) FROM withdrawn_value WHERE is_final)

-- name: drop_temporary_values
-- Makes room for the next span of the same connection.
DROP TABLE IF EXISTS new_value, owned_window, changed_value, withdrawn_value

-- name: drop_temporary_digests
-- Makes room for the next span of the same transaction.
DROP TABLE IF EXISTS new_digest

-- name: temporary_digests
-- Where new day digests wait to be compared.
CREATE TEMPORARY TABLE new_digest (
    series_id integer, production_day date, series_key text, from_ts timestamptz, to_ts timestamptz, rows bigint,
    sha256 bytea
) ON COMMIT DROP

-- name: supersede_digests
-- Late data changed the rows of a closed day: the earlier digest stays, superseded.
UPDATE raw_day_digest d SET superseded_at = now() FROM new_digest n
WHERE d.series_id = n.series_id AND d.production_day = n.production_day AND d.superseded_at IS NULL
  AND (d.rows, d.sha256, d.from_ts, d.to_ts) IS DISTINCT FROM (n.rows, n.sha256, n.from_ts, n.to_ts)

-- name: insert_digests
-- Digests that are new or differ from the earlier one.
INSERT INTO raw_day_digest (site_id, series_id, production_day, series_key, from_ts, to_ts, rows, sha256)
SELECT %(site_id)s, n.series_id, n.production_day, n.series_key, n.from_ts, n.to_ts, n.rows, n.sha256
FROM new_digest n
LEFT JOIN raw_day_digest d ON d.series_id = n.series_id AND d.production_day = n.production_day AND d.superseded_at IS NULL
WHERE d.series_id IS NULL
