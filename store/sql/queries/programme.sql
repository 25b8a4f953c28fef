-- Programmes: trusted keys, imported assessments, the current assessment of each site.

-- name: site
-- A site by its key, with where it comes from.
SELECT site_id, origin FROM site WHERE key = %(key)s

-- name: insert_site
-- A site that is known by what it hands over only.
INSERT INTO site (key, name, timezone, origin) VALUES (%(key)s, %(name)s, 'UTC', 'imported') RETURNING site_id

-- name: pin
-- A key that counts for a site, again after it was ended; a second time changes nothing.
INSERT INTO programme_key (site_id, key) VALUES (%(site_id)s, %(key)s) ON CONFLICT (site_id, key) DO UPDATE SET ended_at = NULL

-- name: end_key
-- A key that counts no longer.
UPDATE programme_key SET ended_at = now()
WHERE key = %(key)s AND ended_at IS NULL AND site_id = (SELECT site_id FROM site WHERE key = %(site)s) RETURNING site_id

-- name: pinned
-- Every trusted key with its site.
SELECT s.key AS site, s.site_id, k.key FROM programme_key k JOIN site s USING (site_id)
WHERE k.ended_at IS NULL ORDER BY s.key, k.pinned_at, k.key

-- name: lock_site
-- One import of a site at a time.
SELECT pg_advisory_xact_lock(hashtextextended('haidang programme import', %(site_id)s))

-- name: imported_file
-- The import of a file, by its digest.
SELECT assessment_id FROM programme_import WHERE sha256 = %(sha256)s

-- name: newest_import
-- The newest imported assessment of a site, framework and period, and when the newest of this kind was made.
SELECT a.assessment_id, a.number, max(i.made_at) FILTER (WHERE i.kind = %(kind)s) OVER () AS made_at FROM assessment a JOIN programme_import i USING (assessment_id)
WHERE a.site_id = %(site_id)s AND a.framework = %(framework)s AND a.first_day = %(first)s AND a.last_day = %(last)s
ORDER BY a.number DESC LIMIT 1

-- name: insert_assessment
-- An imported assessment.
INSERT INTO assessment (site_id, framework, framework_version, catalogue_digest, first_day, last_day, result, origin, number,
                        supersedes)
VALUES (%(site_id)s, %(framework)s, %(framework_version)s, %(catalogue_digest)s, %(first)s, %(last)s, %(result)s, 'imported',
        %(number)s, %(supersedes)s)
RETURNING assessment_id

-- name: insert_import
-- Where it came from.
INSERT INTO programme_import (assessment_id, site_id, kind, key, sha256, made_at, envelope)
VALUES (%(assessment_id)s, %(site_id)s, %(kind)s, %(key)s, %(sha256)s, %(made_at)s, %(envelope)s)

-- name: current
-- The current assessment of each site: of the latest period the newest.
SELECT DISTINCT ON (a.site_id) a.assessment_id, s.key AS site, s.name, a.origin, a.result
FROM assessment a JOIN site s USING (site_id)
WHERE a.framework = %(framework)s AND (%(sites)s::integer[] IS NULL OR a.site_id = ANY (%(sites)s))
ORDER BY a.site_id, a.last_day DESC, a.first_day DESC, a.number DESC
