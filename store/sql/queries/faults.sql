-- What the fault harness prepares, watches and compares.

-- name: add_site
-- The site of the run.
INSERT INTO site (key, name, timezone) VALUES (%(key)s, 'Faults', 'Asia/Ho_Chi_Minh') ON CONFLICT DO NOTHING

-- name: progress
-- The accounts so far, as one row: of everything, then of the site of the native messages.
SELECT coalesce(sum(received), 0)::bigint, coalesce(sum(redelivered), 0)::bigint,
       coalesce(sum(stored) FILTER (WHERE site.key = %(site)s), 0)::bigint,
       coalesce(sum(duplicate) FILTER (WHERE site.key = %(site)s), 0)::bigint,
       coalesce(sum(processed) FILTER (WHERE site.key = %(site)s), 0)::bigint,
       coalesce(sum(replayed) FILTER (WHERE site.key = %(site)s), 0)::bigint
FROM (
    SELECT site_id, received, redelivered, stored, duplicate, processed, replayed FROM ledger
    UNION ALL
    SELECT site_id, received, redelivered, stored, duplicate, processed, replayed FROM ledger_delta
) AS both_parts LEFT JOIN site USING (site_id)

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
-- Readings and events that are there of a site.
SELECT (SELECT count(*) FROM reading JOIN series USING (series_id) JOIN site USING (site_id) WHERE site.key = %(site)s)
     + (SELECT count(*) FROM event)

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
FROM unnest(%(assets)s::text[]) WITH ORDINALITY AS a (key, d)
LEFT JOIN (SELECT asset.* FROM asset JOIN site USING (site_id) WHERE site.key = %(site)s) AS asset USING (key)
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
    WHERE series.site_id = (SELECT site_id FROM site WHERE key = %(site)s)
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
    SELECT digest, whole FROM rejected_message
    WHERE digest <> ALL (%(unsure)s::bytea[])
          AND NOT EXISTS (SELECT FROM loose WHERE loose.digest = rejected_message.digest)
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
-- Devices whose account of stored values is not what the tables hold of them, in order; numbers of native ones only.
-- Conflicts of the others without those of states that ingest itself says again for the time after a death.
WITH counted AS (
    SELECT device_id, sum(stored) AS stored, sum(conflict) AS conflict, sum(missing_seq) AS missing
    FROM ledger_now WHERE device_id IS NOT NULL GROUP BY device_id
), there AS (
    SELECT device_id, sum(rows) AS rows FROM (
        SELECT asset_id, count(*) AS rows FROM reading JOIN series USING (series_id) GROUP BY asset_id
        UNION ALL
        SELECT asset_id, count(*) FROM event GROUP BY asset_id
    ) AS both_tables JOIN device USING (asset_id) GROUP BY device_id
), others AS (
    SELECT series.asset_id, count(*) AS conflicts FROM reading_conflict AS c JOIN series USING (series_id)
    WHERE NOT (series.kind = 'state' AND EXISTS (
        SELECT FROM reading AS death WHERE death.series_id = c.series_id AND death.value IS NULL
        AND death.ts = c.ts - interval '1 microsecond'))
    GROUP BY series.asset_id
), compared AS (
    SELECT key, coalesce(stored, 0)::bigint AS stored, coalesce(rows, 0)::bigint AS rows,
           CASE WHEN machine.device_id IS NULL THEN coalesce(others.conflicts, 0) ELSE coalesce(conflict, 0) END::bigint
               AS conflict,
           CASE WHEN machine.device_id IS NULL THEN 0 ELSE coalesce(missing, 0) END::bigint AS missing
    FROM device LEFT JOIN machine USING (device_id) LEFT JOIN others ON others.asset_id = device.asset_id
    LEFT JOIN counted USING (device_id) LEFT JOIN there USING (device_id)
)
SELECT key, stored, rows, conflict, missing FROM compared WHERE stored <> rows OR conflict <> 0 OR missing <> 0
ORDER BY key

-- name: totals
-- The accounts of the whole run in the order of the message account, then the value account.
SELECT coalesce(sum(received), 0)::bigint, coalesce(sum(processed), 0)::bigint, coalesce(sum(rejected), 0)::bigint,
       coalesce(sum(redelivered), 0)::bigint, coalesce(sum(decoded), 0)::bigint, coalesce(sum(stored), 0)::bigint,
       coalesce(sum(duplicate), 0)::bigint, coalesce(sum(conflict), 0)::bigint,
       coalesce(sum(rejected_value), 0)::bigint, coalesce(sum(missing_seq), 0)::bigint
FROM ledger_now

-- name: prepare_loose
-- Messages of which each is stored or kept as refused, and the series of the values they carry.
CREATE TEMP TABLE loose (phase integer, speaker integer, number bigint, ts timestamptz, mask integer, quality smallint,
                         digest bytea, is_unsure boolean);
CREATE TEMP TABLE place_of (speaker integer, site text, asset text);
CREATE TEMP TABLE place_named (place integer, name text)

-- name: add_loose
-- Take in messages.
INSERT INTO loose
SELECT phase, speaker, number, timestamptz '1970-01-01 00:00+00' + ts_ms * interval '1 millisecond', mask, quality,
       digest, is_unsure
FROM unnest(%(phases)s::integer[], %(speakers)s::integer[], %(numbers)s::bigint[], %(times)s::bigint[],
            %(masks)s::integer[], %(qualities)s::smallint[], %(digests)s::bytea[], %(unsure)s::boolean[])
    AS m (phase, speaker, number, ts_ms, mask, quality, digest, is_unsure)

-- name: add_places
-- Take in where speakers are stored, and the names of their values by place.
INSERT INTO place_of SELECT * FROM unnest(%(speakers)s::integer[], %(sites)s::text[], %(assets)s::text[]);
INSERT INTO place_named SELECT place - 1, name FROM unnest(%(names)s::text[]) WITH ORDINALITY AS n (name, place);
ANALYZE loose, place_of, place_named

-- name: loose_difference
-- By phase: messages refused for now, messages and values lost, values under a wrong series, values too many.
CREATE TEMP TABLE expected AS
SELECT loose.speaker, place_named.place, loose.ts, loose.quality,
       CASE WHEN name = 'state'
            THEN (%(symbols)s::bigint[])[(number * 7 + speaker) %% cardinality(%(symbols)s::bigint[]) + 1]
            ELSE (number * %(most_speakers)s::bigint + speaker) * %(most_places)s::bigint + place
       END::double precision AS value
FROM loose JOIN place_named ON mask >> place & 1 = 1;
CREATE TEMP TABLE kept AS
SELECT place_of.speaker, place_named.place, reading.ts, reading.quality, reading.value,
       CASE WHEN series.kind <> 'state' THEN reading.value::bigint END AS code
FROM reading JOIN series USING (series_id) JOIN asset USING (asset_id) JOIN site ON site.site_id = asset.site_id
LEFT JOIN place_of ON place_of.site = site.key AND place_of.asset = asset.key
LEFT JOIN place_named ON place_named.name = series.name
WHERE site.key <> %(site)s AND reading.quality <> %(no_signal)s
      AND NOT (series.kind = 'state' AND EXISTS (  -- a state that ingest itself says again for the time after a death
          SELECT FROM reading AS death WHERE death.series_id = reading.series_id
          AND death.ts = reading.ts - interval '1 microsecond' AND death.quality = %(no_signal)s));
CREATE TEMP TABLE astray AS
SELECT 'misplaced' AS what, code / %(most_places)s %% %(most_speakers)s AS speaker,
       code / %(most_places)s / %(most_speakers)s AS number, NULL::timestamptz AS ts
FROM kept
WHERE (code %% %(most_places)s, code / %(most_places)s %% %(most_speakers)s) IS DISTINCT FROM (place, speaker)
      AND code IS NOT NULL;
INSERT INTO astray
SELECT 'surplus', speaker, NULL, ts FROM (
    SELECT speaker, place, ts, quality, value FROM kept
    EXCEPT ALL SELECT speaker, place, ts, quality, value FROM expected
) AS s;
INSERT INTO astray
SELECT 'lost', speaker, NULL, ts FROM (
    SELECT speaker, place, ts, quality, value FROM expected
    EXCEPT ALL SELECT speaker, place, ts, quality, value FROM kept
) AS s

-- name: loose_found
-- What that found; a value under a wrong series is also missing in its own, and too much in the other.
SELECT coalesce(phase, -1),
       count(DISTINCT digest) FILTER (WHERE what = 'lost' AND NOT is_unsure AND is_kept),
       count(DISTINCT digest) FILTER (WHERE what = 'lost' AND NOT is_unsure AND NOT is_kept),
       count(*) FILTER (WHERE what = 'lost' AND NOT is_unsure AND NOT is_kept),
       count(*) FILTER (WHERE what = 'misplaced'),
       count(*) FILTER (WHERE what = 'surplus')
FROM (
    SELECT astray.what, loose.phase, loose.digest, loose.is_unsure,
           EXISTS (SELECT FROM rejected_message AS r WHERE r.digest = loose.digest AND r.status = 'open') AS is_kept
    FROM astray LEFT JOIN loose
        ON loose.speaker = astray.speaker AND (loose.ts = astray.ts OR loose.number = astray.number)
) AS found
GROUP BY 1

-- name: loose_open
-- Messages that have neither all their values in the tables nor are kept as refused, and replays that wait.
WITH messages AS (
    SELECT * FROM unnest(%(sites)s::text[], %(assets)s::text[], %(times)s::bigint[], %(counts)s::integer[],
                         %(digests)s::bytea[]) AS m (site, asset, ts_ms, values, digest)
), there AS (
    SELECT m.digest, m.values, count(r.ts) AS stored
    FROM messages AS m LEFT JOIN site ON site.key = m.site
    LEFT JOIN asset ON asset.site_id = site.site_id AND asset.key = m.asset
    LEFT JOIN series USING (asset_id)
    LEFT JOIN reading AS r ON r.series_id = series.series_id
         AND r.ts = timestamptz '1970-01-01 00:00+00' + m.ts_ms * interval '1 millisecond'
    GROUP BY 1, 2
)
SELECT (SELECT count(*) FROM there WHERE stored < values
        AND NOT EXISTS (SELECT FROM rejected_message AS r WHERE r.digest = there.digest)),
       (SELECT count(*) FROM replay_request WHERE done_at IS NULL)

-- name: refused_for_site
-- Whether messages of a site that is not known are kept.
SELECT EXISTS (SELECT FROM rejected_message WHERE starts_with(topic, %(topic)s) AND status = 'open')

-- name: ask_for_replays
-- Ask for refused messages, those first that can be stored by now.
INSERT INTO replay_request (rejected_message_id, site_id)
SELECT rejected_message_id, r.site_id FROM rejected_message AS r
WHERE status = 'open' AND replayable
ORDER BY reason IN ('unknown_site', 'unknown_alias') DESC, rejected_message_id DESC
LIMIT %(most)s
ON CONFLICT DO NOTHING

-- name: replays
-- Requests that were carried out, and replays that the accounts tell of; requests that wait; messages stored so.
SELECT (SELECT count(*) FROM replay_request WHERE done_at IS NOT NULL AND outcome NOT LIKE 'not carried out%%'),
       (SELECT coalesce(sum(replayed), 0)::bigint
        FROM (SELECT replayed FROM ledger UNION ALL SELECT replayed FROM ledger_delta) AS both_parts),
       (SELECT count(*) FROM replay_request WHERE done_at IS NULL),
       (SELECT count(*) FROM rejected_message WHERE status = 'replayed')
