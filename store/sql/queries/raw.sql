-- Raw data: what ingest appends. Written for the rights of haidang_ingest. What it registers: raw_registry.sql.

-- name: ensure_partitions
-- Make sure that readings of a range have somewhere to go.
SELECT ensure_partitions(%(from_ts)s, %(to_ts)s)

-- name: wait_briefly
-- Do not queue behind a long reader in this transaction: whoever comes next would queue behind us.
SELECT set_config('lock_timeout', %(timeout)s, true)

-- name: watch_client
-- What the server does about a client that it does not hear any more: it ends the transaction, whose locks others wait for.
SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
       set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '15000', false),
       set_config('idle_in_transaction_session_timeout', %(timeout)s, false),
       set_config('client_connection_check_interval', '2000', false)

-- name: copy_reading
-- The fast path: rows straight into the table.
COPY reading (ts, series_id, value, quality) FROM STDIN (FORMAT BINARY)

-- name: make_staging
-- Where a batch stands that may hold what is stored already.
CREATE TEMP TABLE IF NOT EXISTS staging_reading (
    ts timestamptz NOT NULL, series_id integer NOT NULL, value double precision, quality smallint NOT NULL,
    ord integer NOT NULL
) ON COMMIT DELETE ROWS

-- name: copy_staging
-- Rows of the batch with their place in it.
COPY staging_reading (ts, series_id, value, quality, ord) FROM STDIN (FORMAT BINARY)

-- name: join_many
-- The staging table has no statistics: a plan made for few rows must not meet many (a nested loop would take minutes).
SELECT set_config('enable_nestloop', %(nested_loops)s, true)

-- name: merge_staging
-- Store what is new; returns the places of the rows that were stored before.
WITH added AS (
    INSERT INTO reading (ts, series_id, value, quality)
    SELECT ts, series_id, value, quality FROM staging_reading ORDER BY series_id, ts
    ON CONFLICT DO NOTHING
    RETURNING series_id, ts
)
SELECT s.ord FROM staging_reading AS s LEFT JOIN added AS a USING (series_id, ts) WHERE a.series_id IS NULL

-- name: staging_conflicts
-- The rows whose stored value is another one, each looked up by its key (OFFSET 0 keeps it so, whatever the statistics).
SELECT s.ord, r.value, r.quality
FROM staging_reading AS s CROSS JOIN LATERAL (
    SELECT value, quality FROM reading
    WHERE reading.series_id = s.series_id AND reading.ts = s.ts
      AND reading.ts >= %(from_ts)s AND reading.ts < %(to_ts)s
    OFFSET 0
) AS r
WHERE r.value IS DISTINCT FROM s.value OR r.quality <> s.quality

-- name: insert_conflicts
-- Another value for a stored key: the first stays, this one is kept beside it, once; returns a row where it is new.
INSERT INTO reading_conflict (site_id, series_id, asset_id, event_kind, event_key, ts, stored, received)
VALUES (%(site_id)s, %(series_id)s, %(asset_id)s, %(event_kind)s, %(event_key)s, %(ts)s, %(stored)s, %(received)s)
ON CONFLICT DO NOTHING
RETURNING true

-- name: insert_events
-- Store events that are new; returns the places of those that were stored before.
WITH given AS (
    SELECT * FROM unnest(%(ord)s::integer[], %(site_id)s::integer[], %(asset_id)s::integer[], %(ts)s::timestamptz[],
                         %(kind)s::text[], %(key)s::text[], %(from_ts)s::timestamptz[], %(to_ts)s::timestamptz[],
                         %(payload)s::text[]) AS g (ord, site_id, asset_id, ts, kind, key, from_ts, to_ts, payload)
), added AS (
    INSERT INTO event (site_id, asset_id, ts, kind, key, from_ts, to_ts, payload)
    SELECT site_id, asset_id, ts, kind, key, from_ts, to_ts, payload::jsonb FROM given
    ON CONFLICT DO NOTHING
    RETURNING asset_id, kind, key, ts
)
SELECT g.ord FROM given AS g LEFT JOIN added AS a USING (asset_id, kind, key, ts) WHERE a.asset_id IS NULL

-- name: event_conflict
-- The stored event of a key, if it is another one than this.
SELECT jsonb_build_object('from', from_ts, 'to', to_ts, 'payload', payload)
FROM event
WHERE asset_id = %(asset_id)s AND kind = %(kind)s AND key = %(key)s AND ts = %(ts)s
  AND (payload <> %(payload)s::jsonb OR from_ts IS DISTINCT FROM %(from_ts)s::timestamptz
       OR to_ts IS DISTINCT FROM %(to_ts)s::timestamptz)

-- name: reject
-- Keep a refused message once; a repeat only counts, unless it is the broker that repeats it (times = 0).
INSERT INTO rejected_message AS r (site_id, device_id, topic, payload, payload_bytes, replayable, reason, detail, whole,
                                   digest, first_at, last_at, times)
VALUES (%(site_id)s, %(device_id)s, %(topic)s, %(payload)s, %(payload_bytes)s, %(replayable)s, %(reason)s, %(detail)s,
        %(whole)s, %(digest)s, %(at)s, %(at)s, greatest(1, %(times)s))
ON CONFLICT (digest) DO UPDATE SET
    times = r.times + %(times)s, last_at = greatest(r.last_at, excluded.last_at),
    status = CASE WHEN r.status = 'replayed' AND %(times)s > 0 THEN 'open' ELSE r.status END
RETURNING r.digest, xmax = 0

-- name: insert_dirty_marks
-- UTC ranges whose KPIs must be computed again.
INSERT INTO dirty_mark (site_id, from_ts, to_ts, cause)
SELECT site_id, from_ts, to_ts, 'data'
FROM unnest(%(site_id)s::integer[], %(from_ts)s::timestamptz[], %(to_ts)s::timestamptz[]) AS m (site_id, from_ts, to_ts)

-- name: insert_accounts
-- What happened to the messages and values of this batch, by device and hour of receipt; the sequence numbers of the
-- devices; that this writer's batch of this number is stored. All in one statement, which also names the transaction.
WITH accounts AS (
    INSERT INTO ledger_delta (hour, site_id, device_id, received, processed, rejected, redelivered, decoded, stored,
                              duplicate, conflict, rejected_value, ignored, missing_seq, latency_ms, skew_ms, replayed)
    SELECT hour, site_id, device_id, received, processed, rejected, redelivered, decoded, stored, duplicate, conflict,
           rejected_value, ignored, missing_seq, latency_ms, skew_ms, replayed
    FROM json_to_recordset(%(rows)s::json) AS r (
        hour timestamptz, site_id integer, device_id integer, received bigint, processed bigint, rejected bigint,
        redelivered bigint, decoded bigint, stored bigint, duplicate bigint, conflict bigint, rejected_value bigint,
        ignored bigint, missing_seq bigint, latency_ms bigint[], skew_ms bigint[], replayed bigint)
), numbers AS (
    INSERT INTO seq_delta (site_id, device_id, hour, first_ts, last_ts, numbers)
    SELECT site_id, device_id, hour, first_ts, last_ts, numbers
    FROM json_to_recordset(%(runs)s::json) AS s (
        site_id integer, device_id integer, hour timestamptz, first_ts timestamptz, last_ts timestamptz,
        numbers int8multirange)
), mark AS (
    INSERT INTO batch_mark (writer, number) VALUES (%(writer)s, %(number)s)
    ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at
)
SELECT pg_current_xact_id()::xid::text

-- name: end_transaction
-- End the connection that still holds a transaction of ours, and wait for its end; no row where there is none.
SELECT pg_terminate_backend(pid, 3000) FROM pg_stat_activity
WHERE backend_xid = %(transaction)s::xid AND usename = current_user AND pid <> pg_backend_pid()

-- name: batch_mark
-- The last batch that a writer committed.
SELECT number FROM batch_mark WHERE writer = %(writer)s

-- name: forget_writers
-- Marks of writers that are long gone.
DELETE FROM batch_mark WHERE at < now() - interval '1 day'

-- name: forget_rejected
-- Refused messages that nobody needs any more, some of them; returns how many went.
SELECT forget_rejected(%(before)s::timestamptz, %(unknown_bytes)s::bigint, %(most)s::integer)

-- name: touch_devices
-- When devices were last heard. Locked in the order of their numbers: workers that hear the same ones wait for each other.
WITH heard AS (
    SELECT d.device_id, s.seen
    FROM unnest(%(device_id)s::integer[], %(seen)s::timestamptz[]) AS s (device_id, seen)
    JOIN device AS d USING (device_id)
    ORDER BY d.device_id
    FOR NO KEY UPDATE OF d
)
UPDATE device AS d SET last_seen = greatest(d.last_seen, h.seen), first_seen = coalesce(d.first_seen, h.seen)
FROM heard AS h
WHERE d.device_id = h.device_id

-- name: open_session
-- A device says that it is online; an open session goes on.
INSERT INTO device_session (site_id, device_id, from_ts, how)
SELECT %(site_id)s, %(device_id)s, %(at)s, 'online'
WHERE NOT EXISTS (SELECT FROM device_session WHERE device_id = %(device_id)s AND to_ts IS NULL)
ON CONFLICT DO NOTHING

-- name: close_session
-- A device says (or its broker for it) that it is offline.
UPDATE device_session SET to_ts = greatest(from_ts, %(at)s), how = 'offline'
WHERE device_id = %(device_id)s AND to_ts IS NULL

-- name: fold_ledger
-- Move the deltas into the ledger.
SELECT fold_ledger()
