-- Corrections: who says what a stretch of time of an asset was. Append-only; raw data and derived data are never touched here.

-- name: lock_asset
-- One correction of an asset after the other, so that none supersedes what another has just superseded.
SELECT pg_advisory_xact_lock(hashtext('haidang.annotation'), %(asset_id)s)

-- name: names
-- Numbers of an asset, a reason and a product of a site, null where there is none of that key.
SELECT (SELECT asset_id FROM asset WHERE site_id = %(site_id)s AND key = %(asset)s AND key <> '') AS asset_id,
       (SELECT reason_id FROM reason WHERE site_id = %(site_id)s AND key = %(reason)s) AS reason_id,
       (SELECT product_id FROM product WHERE site_id = %(site_id)s AND key = %(product)s) AS product_id

-- name: known_reasons
-- Keys of a site's reasons.
SELECT key FROM reason WHERE site_id = %(site_id)s ORDER BY key LIMIT 50

-- name: crowd
-- How many corrections in force overlap a range of an asset.
SELECT count(*) FROM annotation n
WHERE n.asset_id = %(asset_id)s AND n.from_ts < %(to_ts)s AND n.to_ts > %(from_ts)s AND NOT n.revoked
  AND NOT EXISTS (SELECT FROM annotation later WHERE later.supersedes = n.annotation_id)

-- name: one
-- One annotation of a site, and what took its place if anything did.
SELECT n.annotation_id AS id, n.asset_id, a.key AS asset, n.from_ts, n.to_ts, n.reason_id, n.product_id, r.key AS reason,
       p.key AS product, n.revoked,
       (SELECT max(later.annotation_id) FROM annotation later WHERE later.supersedes = n.annotation_id) AS superseded_by
FROM annotation n JOIN asset a USING (asset_id)
LEFT JOIN reason r USING (reason_id) LEFT JOIN product p USING (product_id)
WHERE n.site_id = %(site_id)s AND n.annotation_id = %(id)s

-- name: insert
-- One statement more. The clock, not the beginning of the transaction: the newest is the one that came last.
INSERT INTO annotation (site_id, asset_id, from_ts, to_ts, reason_id, product_id, note, account_id, created_at, supersedes, revoked)
VALUES (%(site_id)s, %(asset_id)s, %(from_ts)s, %(to_ts)s, %(reason_id)s, %(product_id)s, %(note)s, %(account_id)s,
        clock_timestamp(), %(supersedes)s, %(revoked)s)
RETURNING annotation_id

-- name: mark
-- The range of an asset that must be computed again.
INSERT INTO dirty_mark (site_id, asset_id, from_ts, to_ts, cause)
VALUES (%(site_id)s, %(asset_id)s, %(from_ts)s, %(to_ts)s, 'annotation')

-- name: interval_at
-- The computed interval of an asset that holds an instant.
SELECT from_ts, to_ts, time_class FROM state_interval
WHERE site_id = %(site_id)s AND asset_id = (SELECT asset_id FROM asset WHERE site_id = %(site_id)s AND key = %(asset)s)
  AND from_ts <= %(at)s AND to_ts > %(at)s
ORDER BY from_ts DESC LIMIT 1

-- name: history
-- Every statement about some assets in a range, the newest first: in force, superseded, taken back, or a taking back.
SELECT n.annotation_id AS id, a.key AS asset, n.from_ts, n.to_ts, r.key AS reason, p.key AS product, n.note,
       c.name AS account, n.created_at, n.supersedes,
       CASE WHEN n.revoked THEN 'revert'
            WHEN later.revoked THEN 'reverted'
            WHEN later.annotation_id IS NOT NULL THEN 'superseded'
            ELSE 'in_force' END AS status
FROM annotation n JOIN asset a USING (asset_id)
LEFT JOIN reason r USING (reason_id) LEFT JOIN product p USING (product_id) LEFT JOIN account c USING (account_id)
LEFT JOIN LATERAL (SELECT l.annotation_id, l.revoked FROM annotation l WHERE l.supersedes = n.annotation_id
                   ORDER BY l.annotation_id DESC LIMIT 1) later ON true
WHERE n.site_id = %(site_id)s AND n.asset_id = ANY (%(assets)s)
  AND (%(from_ts)s::timestamptz IS NULL OR n.to_ts > %(from_ts)s)
  AND (%(to_ts)s::timestamptz IS NULL OR n.from_ts < %(to_ts)s)
  AND (%(before_id)s::bigint IS NULL OR n.annotation_id < %(before_id)s)
ORDER BY n.annotation_id DESC LIMIT %(limit)s
