-- Accounts of machines at the broker. Only the owner of the database reads and writes them.

-- name: insert_account
-- A new account of a site; no row where there is no such site.
INSERT INTO broker_account (site_id, name, asset_prefix, password_hash, sparkplug_node, topics)
SELECT site_id, %(name)s, %(asset_prefix)s, %(password_hash)s, %(sparkplug_node)s, %(topics)s
FROM site WHERE key = %(site)s
RETURNING broker_account_id

-- name: accounts
-- Accounts of the named sites (null = all), in order of name.
SELECT s.key AS site, b.name, b.asset_prefix, b.password_hash, b.sparkplug_node, b.topics, b.changed_at,
       (SELECT count(*) FROM device d WHERE d.site_id = b.site_id AND d.credential_ref = b.name) AS devices
FROM broker_account b JOIN site s USING (site_id)
WHERE %(sites)s::text[] IS NULL OR s.key = ANY (%(sites)s::text[])
ORDER BY b.name

-- name: site_exists
-- Whether a site of that key is registered.
SELECT EXISTS (SELECT FROM site WHERE key = %(site)s)

-- name: set_password
-- Another password; null = it comes with a certificate from now on.
UPDATE broker_account SET password_hash = %(password_hash)s, changed_at = now() WHERE name = %(name)s
RETURNING broker_account_id

-- name: delete_account
-- The account is no more.
DELETE FROM broker_account WHERE name = %(name)s RETURNING broker_account_id

-- name: link_devices
-- Each device names the account that may speak for its asset: the one of the nearest place.
UPDATE device d SET credential_ref = found.name
FROM (
    SELECT device_id, (
        SELECT b.name FROM broker_account b
        WHERE b.site_id = d.site_id
          AND (b.asset_prefix IN ('', a.key) OR starts_with(a.key, b.asset_prefix || '/'))
        ORDER BY length(b.asset_prefix) DESC, b.name LIMIT 1) AS name
    FROM device d JOIN asset a USING (asset_id)
) found
WHERE found.device_id = d.device_id AND d.credential_ref IS DISTINCT FROM found.name
