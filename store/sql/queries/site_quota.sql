-- Quotas of sites: set by the site file, spent by ingest, shown with their use.

-- name: set
-- The quotas of a site; null = none. Returns a row when that is new.
UPDATE site SET most_series = %(most_series)s, most_values_per_s = %(most_values_per_s)s, recorded_at = now()
WHERE site_id = %(site_id)s
  AND (most_series, most_values_per_s) IS DISTINCT FROM (%(most_series)s::integer, %(most_values_per_s)s::integer)
RETURNING site_id

-- name: spend
-- Take values from the accounts of sites, which fill up at their rate; returns what is left, below zero what was too much.
INSERT INTO site_budget AS b (site_id, per_s, left_now, at)
SELECT g.site_id, g.per_s, %(window_s)s::float8 * g.per_s - g.spent, clock_timestamp()
FROM unnest(%(site_id)s::integer[], %(per_s)s::float8[], %(spent)s::float8[]) AS g (site_id, per_s, spent)
ORDER BY g.site_id
ON CONFLICT (site_id) DO UPDATE SET
    per_s = excluded.per_s, at = greatest(b.at, excluded.at),
    left_now = least(%(window_s)s::float8 * excluded.per_s,
                     b.left_now + excluded.per_s * greatest(0, extract(epoch FROM excluded.at - b.at)::float8))
               + excluded.left_now - %(window_s)s::float8 * excluded.per_s
RETURNING site_id, left_now

-- name: silent
-- For how many seconds nobody has worked under a session of the broker, which kept its messages meanwhile.
SELECT extract(epoch FROM now() - renewed_at)::float8 FROM ingest_worker WHERE session = %(session)s

-- name: use
-- What a site is, its quotas, and how much of them is in use: series, and values received in each of the last full hours.
SELECT s.site_id, s.key, s.name, s.timezone, s.most_series, s.most_values_per_s,
       (SELECT count(*) FROM series AS r WHERE r.site_id = s.site_id) AS series,
       (SELECT count(*) FROM series AS r WHERE r.site_id = s.site_id AND r.status = 'proposed') AS proposed,
       (SELECT count(*) FROM device AS d WHERE d.site_id = s.site_id) AS devices,
       (SELECT count(*) FROM asset AS a WHERE a.site_id = s.site_id) AS assets
FROM site AS s WHERE s.key = %(key)s

-- name: values_of_last_hour
-- Values that came from a site since the last full hour but one began, and how many seconds ago that was.
SELECT coalesce(sum(l.decoded), 0)::bigint, extract(epoch FROM now() - (date_trunc('hour', now()) - interval '1 hour'))::float8
FROM ledger_now AS l
WHERE l.site_id = %(site_id)s AND l.hour >= date_trunc('hour', now()) - interval '1 hour'

-- name: refused_over_quota
-- Messages of a site that were refused for its quotas in the last day, by reason.
SELECT reason, sum(times)::bigint, max(last_at)
FROM rejected_message
WHERE site_id = %(site_id)s AND reason IN ('over_quota', 'too_many_series') AND last_at > now() - interval '1 day'
GROUP BY reason ORDER BY reason
