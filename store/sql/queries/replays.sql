-- Rejected messages that are tried again: asked for by people, carried out by ingest.

-- name: lock
-- One worker carries out replays at a time; given free with the connection.
SELECT pg_try_advisory_lock(hashtext('haidang.replay'))

-- name: unlock
-- Let another worker carry them out.
SELECT pg_advisory_unlock(hashtext('haidang.replay'))

-- name: waiting
-- Requests that wait, oldest first, with what was kept of their messages: as many as fit into the given bytes.
SELECT replay_request_id, rejected_message_id, topic, payload, status, replayable, first_at, times, digest
FROM (
    SELECT q.replay_request_id, m.rejected_message_id, m.topic, m.payload, m.status, m.replayable, m.first_at, m.times,
           m.digest,
           sum(octet_length(m.payload)) OVER w AS bytes, row_number() OVER w AS place
    FROM (SELECT * FROM replay_request WHERE done_at IS NULL ORDER BY replay_request_id LIMIT %(most)s) AS q
    JOIN rejected_message AS m USING (rejected_message_id)
    WINDOW w AS (ORDER BY q.replay_request_id)
) AS ordered
WHERE place = 1 OR bytes <= %(bytes)s
ORDER BY replay_request_id

-- name: finish
-- Note what became of requests, and settle their messages; returns how many of the requests were still waiting.
WITH given AS (
    SELECT * FROM unnest(%(request)s::bigint[], %(message)s::bigint[], %(outcome)s::text[], %(settled)s::boolean[],
                         %(reason)s::text[], %(detail)s::text[], %(whole)s::boolean[], %(site_id)s::integer[],
                         %(device_id)s::integer[])
                  AS g (request, message, outcome, settled, reason, detail, whole, site_id, device_id)
), done AS (
    UPDATE replay_request AS q SET done_at = now(), outcome = g.outcome
    FROM given AS g WHERE q.replay_request_id = g.request AND q.done_at IS NULL
    RETURNING q.replay_request_id
), kept AS (
    UPDATE rejected_message AS r
    SET status = CASE WHEN g.settled THEN 'replayed' ELSE r.status END,
        reason = coalesce(g.reason, r.reason), detail = coalesce(g.detail, r.detail),
        whole = coalesce(g.whole, r.whole), site_id = coalesce(g.site_id, r.site_id),
        device_id = coalesce(g.device_id, r.device_id)
    FROM given AS g WHERE r.rejected_message_id = g.message AND r.status = 'open'
)
SELECT count(*)::integer FROM done

-- name: matching
-- What a request by filter would take: open messages, those that can be replayed, those that wait already.
SELECT count(*) AS found, count(*) FILTER (WHERE r.replayable) AS replayable,
       count(*) FILTER (WHERE EXISTS (SELECT FROM replay_request q
                                      WHERE q.rejected_message_id = r.rejected_message_id AND q.done_at IS NULL)) AS waiting
FROM rejected_message r
WHERE (r.site_id = ANY (%(sites)s) OR (r.site_id IS NULL AND %(sees_unknown)s)) AND r.status = 'open'
  AND (%(ids)s::bigint[] IS NULL OR r.rejected_message_id = ANY (%(ids)s))
  AND (%(site_id)s::integer IS NULL OR r.site_id = %(site_id)s)
  AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
  AND (%(topic)s::text IS NULL OR starts_with(r.topic, %(topic)s))
  AND (%(from_ts)s::timestamptz IS NULL OR r.last_at >= %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR r.last_at < %(to_ts)s)

-- name: ask
-- Ask for the replay of open messages whose payload was kept whole, the oldest first; returns the new requests.
INSERT INTO replay_request (rejected_message_id, site_id, account_id)
SELECT r.rejected_message_id, r.site_id, %(account_id)s::integer
FROM rejected_message r
WHERE (r.site_id = ANY (%(sites)s) OR (r.site_id IS NULL AND %(sees_unknown)s)) AND r.status = 'open' AND r.replayable
  AND (%(ids)s::bigint[] IS NULL OR r.rejected_message_id = ANY (%(ids)s))
  AND (%(site_id)s::integer IS NULL OR r.site_id = %(site_id)s)
  AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
  AND (%(topic)s::text IS NULL OR starts_with(r.topic, %(topic)s))
  AND (%(from_ts)s::timestamptz IS NULL OR r.last_at >= %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR r.last_at < %(to_ts)s)
  AND NOT EXISTS (SELECT FROM replay_request q WHERE q.rejected_message_id = r.rejected_message_id AND q.done_at IS NULL)
ORDER BY r.rejected_message_id
LIMIT %(most)s
ON CONFLICT DO NOTHING
RETURNING replay_request_id

-- name: dismiss
-- Put open messages aside, the oldest first; returns which.
UPDATE rejected_message AS r SET status = 'dismissed'
WHERE r.rejected_message_id IN (
    SELECT o.rejected_message_id FROM rejected_message o
    WHERE (o.site_id = ANY (%(sites)s) OR (o.site_id IS NULL AND %(sees_unknown)s)) AND o.status = 'open'
      AND (%(ids)s::bigint[] IS NULL OR o.rejected_message_id = ANY (%(ids)s))
      AND (%(site_id)s::integer IS NULL OR o.site_id = %(site_id)s)
      AND (%(reason)s::text IS NULL OR o.reason = %(reason)s)
      AND (%(topic)s::text IS NULL OR starts_with(o.topic, %(topic)s))
      AND (%(from_ts)s::timestamptz IS NULL OR o.last_at >= %(from_ts)s)
      AND (%(to_ts)s::timestamptz IS NULL OR o.last_at < %(to_ts)s)
    ORDER BY o.rejected_message_id
    LIMIT %(most)s)
RETURNING r.rejected_message_id

-- name: export
-- Rejected messages with their kept payloads, oldest first, after one of them.
SELECT r.rejected_message_id AS id, s.key AS site, d.key AS device, r.topic, r.payload, r.payload_bytes, r.replayable,
       r.reason, r.detail, r.whole, r.first_at, r.last_at, r.times, r.status
FROM rejected_message r
LEFT JOIN site s ON s.site_id = r.site_id
LEFT JOIN device d ON d.device_id = r.device_id
WHERE (r.site_id = ANY (%(sites)s) OR (r.site_id IS NULL AND %(sees_unknown)s))
  AND (%(status)s::text IS NULL OR r.status = %(status)s)
  AND (%(ids)s::bigint[] IS NULL OR r.rejected_message_id = ANY (%(ids)s))
  AND (%(site_id)s::integer IS NULL OR r.site_id = %(site_id)s)
  AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
  AND (%(topic)s::text IS NULL OR starts_with(r.topic, %(topic)s))
  AND (%(from_ts)s::timestamptz IS NULL OR r.last_at >= %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR r.last_at < %(to_ts)s)
  AND r.rejected_message_id > %(after_id)s
ORDER BY r.rejected_message_id
LIMIT %(limit)s

-- name: requests
-- What was asked for a message, and what became of it.
SELECT q.replay_request_id AS id, q.requested_at, q.done_at, q.outcome
FROM replay_request q JOIN rejected_message r USING (rejected_message_id)
WHERE q.rejected_message_id = %(message_id)s AND (r.site_id = ANY (%(sites)s) OR (r.site_id IS NULL AND %(sees_unknown)s))
ORDER BY q.replay_request_id

-- name: outcomes
-- What became of requests, those that are done.
SELECT outcome, count(*)::integer FROM replay_request
WHERE replay_request_id = ANY (%(requests)s::bigint[]) AND done_at IS NOT NULL
GROUP BY outcome ORDER BY 2 DESC, 1
