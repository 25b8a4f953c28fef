-- Accounts, hashed keys, grants. Sites are named by key on the way in and by id on the way out.

-- name: upsert_account
-- The account of that name, made when it is new.
INSERT INTO account (name, kind) VALUES (%(name)s, %(kind)s)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING account_id

-- name: insert_key
-- A key: prefix to find it, hash of its secret, role.
INSERT INTO api_key (account_id, prefix, hash, role, expires_at)
SELECT account_id, %(prefix)s, %(hash)s, %(role)s, %(expires_at)s
FROM account WHERE name = %(account)s
RETURNING api_key_id, account_id

-- name: unknown_sites
-- Those of the named sites that do not exist.
SELECT wanted.key FROM unnest(%(sites)s::text[]) AS wanted (key)
WHERE NOT EXISTS (SELECT FROM site WHERE site.key = wanted.key)

-- name: grant_sites
-- Let an account see the named sites (null = all that exist now).
INSERT INTO grant_to_site (account_id, site_id)
SELECT %(account_id)s, site_id FROM site WHERE %(sites)s::text[] IS NULL OR key = ANY (%(sites)s::text[])
ON CONFLICT DO NOTHING

-- name: find_key
-- A usable key by its prefix, with the sites of its account; administrators see every site.
SELECT k.api_key_id, k.prefix, k.hash, k.role, a.account_id, a.name AS account,
       ARRAY(SELECT s.site_id FROM site s
             WHERE k.role = 'admin'
                OR EXISTS (SELECT FROM grant_to_site g WHERE g.account_id = a.account_id AND g.site_id = s.site_id)
             ORDER BY s.site_id) AS site_ids,
       coalesce(k.last_used_at < now() - interval '1 minute', true) AS use_is_news
FROM api_key k JOIN account a USING (account_id)
WHERE k.prefix = %(prefix)s
  AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND a.disabled_at IS NULL

-- name: touch_key
-- Note that a key was used; nobody waits for anybody.
UPDATE api_key SET last_used_at = now()
WHERE api_key_id = (SELECT api_key_id FROM api_key WHERE api_key_id = %(api_key_id)s FOR UPDATE SKIP LOCKED)

-- name: revoke_key
-- End a key; its sessions end with it.
UPDATE api_key SET revoked_at = now() WHERE prefix = %(prefix)s AND revoked_at IS NULL RETURNING api_key_id, account_id

-- name: list_keys
-- All keys with their accounts and sites; no secret is stored that could be shown.
SELECT k.prefix, a.name AS account, k.role, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
       ARRAY(SELECT s.key FROM grant_to_site g JOIN site s USING (site_id)
             WHERE g.account_id = a.account_id ORDER BY s.key) AS sites
FROM api_key k JOIN account a USING (account_id)
ORDER BY a.name, k.created_at, k.prefix

-- name: set_scope
-- Show this transaction the rows of these sites only (row-level security), and of no site at all where asked.
SELECT set_config('haidang.site_ids', %(site_ids)s::integer[]::text, true),
       set_config('haidang.sees_unknown', %(sees_unknown)s, true)

-- name: insert_audit
-- Who did what.
INSERT INTO audit_log (account_id, action, object, detail)
VALUES (%(account_id)s, %(action)s, %(object)s, %(detail)s)
