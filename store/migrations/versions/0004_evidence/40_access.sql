-- Keys of assessors end: those made without an end before have a month from now on.
UPDATE api_key SET expires_at = now() + interval '30 days' WHERE role = 'assessor' AND expires_at IS NULL;
ALTER TABLE api_key ADD CONSTRAINT assessor_has_an_end CHECK (role <> 'assessor' OR expires_at IS NOT NULL);
