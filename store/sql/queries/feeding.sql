-- What a site's records hold, so that a KPI without its records can name them.

-- name: record_fields
-- Kind and field of the records that stand; the type of a maintenance record counts as a field.
WITH standing AS (
    SELECT DISTINCT ON (kind, key) kind, payload FROM business_record WHERE site_id = %(site_id)s
    ORDER BY kind, key, recorded_at DESC, business_record_id DESC
)
SELECT kind, '' AS field FROM standing
UNION SELECT s.kind, f.field FROM standing AS s CROSS JOIN LATERAL jsonb_object_keys(s.payload) AS f (field)
UNION SELECT kind, payload ->> 'type' FROM standing WHERE kind = 'maintenance' AND payload ? 'type'
UNION SELECT 'event', %(run)s WHERE EXISTS (SELECT FROM event WHERE site_id = %(site_id)s AND kind = %(run)s)
