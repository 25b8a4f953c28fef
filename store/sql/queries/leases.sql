-- Who holds which session of the broker: leases with a heartbeat, by the database's clock.

-- name: take_session
-- Become the holder, unless somebody else holds it and has renewed it lately; what the session is subscribed to stays.
INSERT INTO ingest_worker AS w (session, client_id, slot, slots, role, holder, host, pid, state, lease_s)
VALUES (%(session)s, %(client_id)s, %(slot)s, %(slots)s, %(role)s, %(holder)s, %(host)s, %(pid)s, %(state)s, %(ttl_s)s)
ON CONFLICT (session) DO UPDATE SET
    client_id = excluded.client_id, slot = excluded.slot, slots = excluded.slots, role = excluded.role,
    holder = excluded.holder, host = excluded.host, pid = excluded.pid, state = excluded.state,
    lease_s = excluded.lease_s, started_at = now(), renewed_at = now()
WHERE w.holder IS NULL
    OR w.holder IN (excluded.holder, %(gone)s)
    OR w.renewed_at < now() - make_interval(secs => %(ttl_s)s)
RETURNING subscriptions

-- name: holder
-- Who holds a session, and for how many seconds it has not been renewed.
SELECT holder, host, pid, extract(epoch FROM now() - renewed_at)::float8 FROM ingest_worker
WHERE session = %(session)s AND holder IS NOT NULL

-- name: renew
-- Show that the holder is alive; no row: it holds the session no longer.
UPDATE ingest_worker SET renewed_at = now(), state = %(state)s
WHERE session = %(session)s AND holder = %(holder)s

-- name: note_subscriptions
-- What the session is, or is about to be, subscribed to.
UPDATE ingest_worker SET subscriptions = %(subscriptions)s, renewed_at = now(), state = %(state)s
WHERE session = %(session)s AND holder = %(holder)s

-- name: release
-- Let others take it at once.
UPDATE ingest_worker SET holder = NULL, state = 'stopped', renewed_at = now()
WHERE session = %(session)s AND holder = %(holder)s

-- name: forget
-- The broker keeps nothing under this session any more.
DELETE FROM ingest_worker WHERE session = %(session)s AND holder = %(holder)s

-- name: workers
-- All sessions, of one ingest or of all, with the age of the last sign of life in seconds.
SELECT session, client_id, slot, slots, role, holder, host, pid, state, subscriptions, lease_s, started_at,
    extract(epoch FROM now() - renewed_at)::float8 AS silent_s
FROM ingest_worker
WHERE %(client_id)s::text IS NULL OR client_id = %(client_id)s
ORDER BY client_id, slots, slot, session
