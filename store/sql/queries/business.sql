-- Business records: orders, maintenance, inspection, attendance, inventory. The newest statement under a key stands.

-- name: standing
-- The statement that stands under each of these keys, with the instants (µs) in which it counts.
SELECT DISTINCT ON (kind, key) key, (extract(epoch FROM from_ts) * 1000000)::bigint,
       (extract(epoch FROM to_ts) * 1000000)::bigint, payload
FROM business_record WHERE site_id = %(site_id)s AND kind = %(kind)s AND key = ANY (%(keys)s)
ORDER BY kind, key, recorded_at DESC, business_record_id DESC

-- name: add
-- One statement more; earlier ones stay.
INSERT INTO business_record (site_id, kind, key, from_ts, to_ts, payload, source, recorded_at)
VALUES (%(site_id)s, %(kind)s, %(key)s, %(from_ts)s, %(to_ts)s, %(payload)s, %(source)s, clock_timestamp())

-- name: mark
-- The range in which a record counted or counts now.
INSERT INTO dirty_mark (site_id, from_ts, to_ts, cause) VALUES (%(site_id)s, %(from_ts)s, %(to_ts)s, 'registry')

-- name: list
-- Standing records of a site, newest end first.
SELECT kind, key, from_ts, to_ts, payload, source FROM (
    SELECT DISTINCT ON (kind, key) kind, key, from_ts, to_ts, payload, source
    FROM business_record WHERE site_id = %(site_id)s
    ORDER BY kind, key, recorded_at DESC, business_record_id DESC
) AS standing
WHERE %(kind)s::text IS NULL OR kind = %(kind)s
ORDER BY to_ts DESC NULLS FIRST, kind, key LIMIT %(limit)s

-- name: page
-- Standing records of a site by kind and key, one page after the cursor; an open record has no end yet and is in any range.
SELECT kind, key, from_ts, to_ts, payload, source, recorded_at FROM (
    SELECT DISTINCT ON (kind, key) kind, key, from_ts, to_ts, payload, source, recorded_at
    FROM business_record
    WHERE site_id = %(site_id)s AND (%(kind)s::text IS NULL OR kind = %(kind)s)
      AND (%(after_key)s::text IS NULL OR (kind, key) > (%(after_kind)s::text, %(after_key)s))
    ORDER BY kind, key, recorded_at DESC, business_record_id DESC
) AS standing
WHERE (to_ts IS NULL OR %(from_ts)s::timestamptz IS NULL OR to_ts > %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR from_ts < %(to_ts)s)
ORDER BY kind, key LIMIT %(limit)s
