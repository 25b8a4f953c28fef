-- A decision and the end of an assessment have the time at which they were made, and the API imports nothing.
CREATE OR REPLACE FUNCTION refuse_change_of_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.finalized_at IS NOT NULL OR (to_jsonb(NEW) - 'finalized_at' - 'finalized_by')
        IS DISTINCT FROM (to_jsonb(OLD) - 'finalized_at' - 'finalized_by') THEN
        RAISE EXCEPTION 'assessment % is not changed: only its finalisation is added, once; a new one supersedes it', OLD.assessment_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (SELECT FROM assessor_invitation i
                   WHERE i.assessment_id = OLD.assessment_id AND i.account_id = NEW.finalized_by) THEN
        RAISE EXCEPTION 'assessment % is finalised by an assessor who was invited to it', OLD.assessment_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT FROM assessment a WHERE a.supersedes = OLD.assessment_id) THEN
        RAISE EXCEPTION 'assessment % is superseded', OLD.assessment_id USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.finalized_at := now(); -- whatever was said
    RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION refuse_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM assessment a WHERE a.assessment_id = NEW.assessment_id AND a.finalized_at IS NOT NULL) THEN
        RAISE EXCEPTION 'assessment % is final', NEW.assessment_id USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT FROM assessment a WHERE a.supersedes = NEW.assessment_id) THEN
        RAISE EXCEPTION 'assessment % is superseded', NEW.assessment_id USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (SELECT FROM assessor_invitation i WHERE i.assessment_id = NEW.assessment_id
                   AND i.account_id = NEW.account_id AND i.site_id = NEW.site_id) THEN
        RAISE EXCEPTION 'account % is not invited to assessment %', NEW.account_id, NEW.assessment_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.at := now(); -- whatever was said
    RETURN NEW;
END
$$;
-- Assessments of elsewhere come by `haidang programme import` alone; the API keeps those that it made itself.
CREATE POLICY of_own_making ON assessment AS RESTRICTIVE FOR INSERT TO haidang_api WITH CHECK (origin = 'local');
-- A temporary table of a stolen login is never taken for ours by a function that runs as the owner.
ALTER FUNCTION note_final_values() SET search_path = public, pg_temp;
ALTER FUNCTION note_raw_digests() SET search_path = public, pg_temp;
