-- Assessments: what was found, who is invited to judge it, what was decided. Kept; never changed once final.

-- name: insert_framework
-- The catalogue of an assessment, once per content.
INSERT INTO framework_version (digest, key, version, content)
VALUES (%(digest)s, %(key)s, %(version)s, %(content)s) ON CONFLICT DO NOTHING

-- name: framework
-- A catalogue by its digest.
SELECT content FROM framework_version WHERE digest = %(digest)s

-- name: newest_of_period
-- The newest assessment of a site, framework and period.
SELECT assessment_id, number FROM assessment
WHERE site_id = %(site_id)s AND framework = %(framework)s AND first_day = %(first)s AND last_day = %(last)s AND origin = 'local'
ORDER BY number DESC LIMIT 1

-- name: insert_assessment
-- An assessment, open.
INSERT INTO assessment (site_id, framework, framework_version, catalogue_digest, first_day, last_day, result, number,
                        supersedes, account_id)
VALUES (%(site_id)s, %(framework)s, %(framework_version)s, %(catalogue_digest)s, %(first)s, %(last)s, %(result)s, %(number)s,
        %(supersedes)s, %(account_id)s)
RETURNING assessment_id, created_at

-- name: assessment
-- One assessment with its site.
SELECT a.assessment_id, a.site_id, s.key AS site, a.framework, a.framework_version, a.catalogue_digest, a.first_day, a.last_day,
       a.number, a.result, a.origin, a.supersedes, n.assessment_id AS superseded_by, a.created_at, a.finalized_at
FROM assessment a JOIN site s USING (site_id) LEFT JOIN assessment n ON n.supersedes = a.assessment_id
WHERE a.assessment_id = %(assessment_id)s

-- name: list
-- Assessments of sites (null = of all) without their results, newest first.
SELECT a.assessment_id, s.key AS site, a.framework, a.framework_version, a.first_day, a.last_day, a.number, a.origin, a.supersedes,
       n.assessment_id AS superseded_by, a.created_at, a.finalized_at, a.result -> 'counts' AS counts
FROM assessment a JOIN site s USING (site_id) LEFT JOIN assessment n ON n.supersedes = a.assessment_id
WHERE (%(sites)s::integer[] IS NULL OR a.site_id = ANY (%(sites)s)) AND (%(framework)s::text IS NULL OR a.framework = %(framework)s)
  AND (%(before)s::bigint IS NULL OR a.assessment_id < %(before)s)
ORDER BY a.assessment_id DESC LIMIT %(limit)s

-- name: invited
-- Accounts that are invited to an assessment.
SELECT i.account_id, a.name AS account, i.invited_at FROM assessor_invitation i JOIN account a USING (account_id)
WHERE i.assessment_id = %(assessment_id)s ORDER BY i.invited_at, a.name

-- name: is_invited
-- Whether an account is invited to an assessment of a site that takes decisions.
SELECT EXISTS (SELECT FROM assessor_invitation i JOIN assessment a USING (assessment_id)
               WHERE i.site_id = %(site_id)s AND i.account_id = %(account_id)s AND a.finalized_at IS NULL)

-- name: candidate
-- An account as an assessor of a site: what its usable keys may do, and whether it may see the site.
SELECT a.account_id,
       ARRAY(SELECT DISTINCT k.role FROM api_key k WHERE k.account_id = a.account_id AND k.revoked_at IS NULL
             AND (k.expires_at IS NULL OR k.expires_at > now()) ORDER BY 1) AS roles,
       EXISTS (SELECT FROM grant_to_site g WHERE g.account_id = a.account_id AND g.site_id = %(site_id)s) AS is_granted
FROM account a WHERE a.name = %(account)s AND a.disabled_at IS NULL

-- name: insert_invitation
-- An invitation; a second one changes nothing.
INSERT INTO assessor_invitation (assessment_id, account_id, site_id)
VALUES (%(assessment_id)s, %(account_id)s, %(site_id)s) ON CONFLICT DO NOTHING

-- name: decisions
-- Every decision on an assessment, oldest first, with its attachment.
SELECT d.criterion, d.decision, d.comment, encode(f.sha256, 'hex') AS attachment, a.name AS account, d.at
FROM assessor_decision d JOIN account a USING (account_id) LEFT JOIN attachment f USING (attachment_id)
WHERE d.assessment_id = %(assessment_id)s ORDER BY d.assessor_decision_id

-- name: insert_decision
-- A decision; an earlier one on the same criterion stays.
INSERT INTO assessor_decision (assessment_id, site_id, criterion, decision, comment, attachment_id, account_id)
VALUES (%(assessment_id)s, %(site_id)s, %(criterion)s, %(decision)s, %(comment)s, %(attachment_id)s, %(account_id)s)
RETURNING at

-- name: finalise
-- The end of an assessment.
UPDATE assessment SET finalized_at = now(), finalized_by = %(account_id)s
WHERE assessment_id = %(assessment_id)s RETURNING finalized_at

-- name: lock
-- One change of an assessment at a time.
SELECT assessment_id FROM assessment WHERE assessment_id = %(assessment_id)s FOR UPDATE
