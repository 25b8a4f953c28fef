-- What the fault harness prepares, watches and compares.

-- name: add_site
-- The site of the run.
INSERT INTO site (key, name, timezone) VALUES (%(key)s, 'Faults', 'Asia/Ho_Chi_Minh')

-- name: progress
-- The accounts so far, as one row.
SELECT coalesce(sum(received), 0)::bigint, coalesce(sum(redelivered), 0)::bigint, coalesce(sum(stored), 0)::bigint,
       coalesce(sum(duplicate), 0)::bigint, coalesce(sum(processed), 0)::bigint
FROM (
    SELECT received, redelivered, stored, duplicate, processed FROM ledger
    UNION ALL
    SELECT received, redelivered, stored, duplicate, processed FROM ledger_delta
) AS both_parts

-- name: fold_ledger
-- Move the deltas into the ledger, as ingest does every hour.
SELECT fold_ledger()

-- name: give_up_soon
-- Another fault may be in the way: try again rather than wait.
SELECT set_config('statement_timeout', '5s', false)

-- name: lock_reading
-- What a careless administrator does.
LOCK TABLE reading IN ACCESS EXCLUSIVE MODE

-- name: make_disk_full
-- From now on every batch fails as on a full disk.
CREATE OR REPLACE FUNCTION faults_disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE OR REPLACE TRIGGER faults_disk_full BEFORE INSERT ON ledger_delta
    FOR EACH STATEMENT EXECUTE FUNCTION faults_disk_full()

-- name: counted
-- Readings and events that are there.
SELECT (SELECT count(*) FROM reading) + (SELECT count(*) FROM event)

-- name: free_disk
-- Room again.
DROP TRIGGER IF EXISTS faults_disk_full ON ledger_delta

-- name: prepare_truth
-- What was sent, by device and phase, and what was never acknowledged of it.
CREATE TEMP TABLE span AS
SELECT * FROM unnest(%(phases)s::integer[], %(devices)s::integer[], %(froms)s::bigint[], %(untils)s::bigint[])
    AS s (phase, device, from_number, until_number);
CREATE TEMP TABLE unsure AS SELECT * FROM unnest(%(unsure_devices)s::integer[], %(unsure_numbers)s::bigint[])
    AS u (device, number);
CREATE TEMP TABLE machine AS
SELECT d - 1 AS device, asset_id, device_id
FROM unnest(%(assets)s::text[]) WITH ORDINALITY AS a (key, d) LEFT JOIN asset USING (key)
LEFT JOIN device USING (asset_id);
ANALYZE span, machine

-- name: reading_difference
-- By phase: values lost, messages that lost one, values that nobody sent or that are there too often.
WITH named AS (
    SELECT * FROM unnest(%(names)s::text[]) WITH ORDINALITY AS n (name, place)
), sent AS (
    SELECT device, named.place,
           timestamptz '1970-01-01 00:00+00' + (%(start_ms)s::bigint + number) * interval '1 millisecond' AS ts,
           CASE WHEN named.name = 'state'
                THEN (%(symbols)s::bigint[])[(number * 7 + device) %% cardinality(%(symbols)s::bigint[]) + 1]
                ELSE number * %(factor)s::bigint + device + (named.place - 1) / 16.0::double precision
           END::double precision AS value, 0::smallint AS quality
    FROM span CROSS JOIN LATERAL generate_series(from_number, until_number - 1) AS number CROSS JOIN named
), kept AS (
    SELECT machine.device, named.place, ts, value, quality
    FROM reading LEFT JOIN series USING (series_id) LEFT JOIN machine USING (asset_id) LEFT JOIN named USING (name)
), lost AS (
    SELECT * FROM sent EXCEPT ALL SELECT * FROM kept
), surplus AS (
    SELECT * FROM kept EXCEPT ALL SELECT * FROM sent
), found AS (
    SELECT 'lost' AS what, device, ts FROM lost UNION ALL SELECT 'surplus', device, ts FROM surplus
), numbered AS (
    SELECT what, device, round(extract(epoch FROM ts) * 1000)::bigint - %(start_ms)s::bigint AS number FROM found
)
SELECT coalesce(span.phase, -1), count(*) FILTER (WHERE what = 'lost' AND unsure.number IS NULL),
       count(DISTINCT (n.device, n.number)) FILTER (WHERE what = 'lost' AND unsure.number IS NULL),
       count(*) FILTER (WHERE what = 'surplus')
FROM numbered AS n
LEFT JOIN span ON span.device = n.device AND n.number >= from_number AND n.number < until_number
LEFT JOIN unsure ON unsure.device = n.device AND unsure.number = n.number
GROUP BY 1

-- name: event_difference
-- The same of the events.
WITH sent AS (
    SELECT device, number, 'J' || device || '-' || number AS key,
           timestamptz '1970-01-01 00:00+00' + (%(start_ms)s::bigint + number) * interval '1 millisecond' AS ts
    FROM span CROSS JOIN LATERAL generate_series(from_number, until_number - 1) AS number
    WHERE number %% %(job_every)s::bigint = 0
), kept AS (
    SELECT machine.device, round(extract(epoch FROM ts) * 1000)::bigint - %(start_ms)s::bigint AS number, event.key, ts
    FROM event LEFT JOIN machine USING (asset_id)
), lost AS (
    SELECT * FROM sent EXCEPT ALL SELECT * FROM kept
), surplus AS (
    SELECT * FROM kept EXCEPT ALL SELECT * FROM sent
), found AS (
    SELECT 'lost' AS what, * FROM lost UNION ALL SELECT 'surplus', * FROM surplus
)
SELECT coalesce(span.phase, -1), count(*) FILTER (WHERE what = 'lost' AND unsure.number IS NULL),
       count(DISTINCT (n.device, n.number)) FILTER (WHERE what = 'lost' AND unsure.number IS NULL),
       count(*) FILTER (WHERE what = 'surplus')
FROM found AS n
LEFT JOIN span ON span.device = n.device AND n.number >= from_number AND n.number < until_number
LEFT JOIN unsure ON unsure.device = n.device AND unsure.number = n.number
GROUP BY 1

-- name: refusal_difference
-- By phase: messages that were to be refused and are not kept, and kept ones that nobody should have refused.
WITH expected AS (
    SELECT * FROM unnest(%(phases)s::integer[], %(digests)s::bytea[], %(wholes)s::boolean[])
        AS e (phase, digest, whole)
), kept AS (
    SELECT digest, whole FROM rejected_message WHERE digest <> ALL (%(unsure)s::bytea[])
)
SELECT coalesce(e.phase, -1), count(*) FILTER (WHERE r.digest IS NULL), count(*) FILTER (WHERE e.digest IS NULL)
FROM expected AS e FULL JOIN kept AS r ON r.digest = e.digest AND r.whole = e.whole
WHERE e.digest IS NULL OR r.digest IS NULL
GROUP BY 1

-- name: unbalanced
-- Devices and hours whose accounts do not add up.
SELECT count(*) FROM ledger_now
WHERE received <> processed + rejected + redelivered OR decoded <> stored + duplicate + conflict + rejected_value

-- name: account_difference
-- Devices whose account of stored values is not what the tables hold of them, in order.
WITH counted AS (
    SELECT device_id, sum(stored) AS stored, sum(conflict) AS conflict, sum(missing_seq) AS missing
    FROM ledger_now WHERE device_id IS NOT NULL GROUP BY device_id
), there AS (
    SELECT device_id, sum(rows) AS rows FROM (
        SELECT asset_id, count(*) AS rows FROM reading JOIN series USING (series_id) GROUP BY asset_id
        UNION ALL
        SELECT asset_id, count(*) FROM event GROUP BY asset_id
    ) AS both_tables JOIN machine USING (asset_id) GROUP BY device_id
)
SELECT machine.device, coalesce(counted.stored, 0)::bigint, coalesce(there.rows, 0)::bigint,
       coalesce(counted.conflict, 0)::bigint, coalesce(counted.missing, 0)::bigint
FROM machine LEFT JOIN counted USING (device_id) LEFT JOIN there USING (device_id)
WHERE coalesce(counted.stored, 0) <> coalesce(there.rows, 0) OR counted.conflict <> 0 OR counted.missing <> 0
ORDER BY machine.device

-- name: totals
-- The accounts of the whole run in the order of the message account, then the value account.
SELECT coalesce(sum(received), 0)::bigint, coalesce(sum(processed), 0)::bigint, coalesce(sum(rejected), 0)::bigint,
       coalesce(sum(redelivered), 0)::bigint, coalesce(sum(decoded), 0)::bigint, coalesce(sum(stored), 0)::bigint,
       coalesce(sum(duplicate), 0)::bigint, coalesce(sum(conflict), 0)::bigint,
       coalesce(sum(rejected_value), 0)::bigint, coalesce(sum(missing_seq), 0)::bigint
FROM ledger_now
