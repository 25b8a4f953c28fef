-- Maturity: frozen baselines, what a site declares and claims, assessments and the decisions of assessors.

CREATE TABLE criterion_baseline (
    site_id     integer NOT NULL REFERENCES site,
    key         text NOT NULL,
    version     integer NOT NULL DEFAULT 1 CHECK (version > 0),
    value       double precision NOT NULL,
    first_day   date NOT NULL,
    last_day    date NOT NULL CHECK (last_day >= first_day),
    reason      text NOT NULL DEFAULT '',
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_id, key, version)
);
COMMENT ON TABLE criterion_baseline IS 'append-only: metric, scope and parameters (key) over the first good window; a new version says why';

CREATE TABLE attachment (
    attachment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       integer NOT NULL REFERENCES site,
    sha256        bytea NOT NULL CHECK (length(sha256) = 32),
    file_name     text NOT NULL CHECK (length(file_name) <= 200),
    content       bytea NOT NULL CHECK (length(content) <= 10000000),
    account_id    integer REFERENCES account,
    at            timestamptz NOT NULL DEFAULT now(),
    UNIQUE (site_id, sha256)
);

CREATE TABLE declaration (
    declaration_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id        integer NOT NULL REFERENCES site,
    name           text NOT NULL,
    value          double precision NOT NULL,
    statement      text NOT NULL CHECK (length(statement) BETWEEN 1 AND 5000),
    attachment_id  bigint REFERENCES attachment,
    valid_from     date NOT NULL,
    account_id     integer REFERENCES account,
    at             timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE declaration IS 'append-only: what somebody of the site says where no data can show it; the newest of a name counts from valid_from on';
CREATE INDEX declaration_name ON declaration (site_id, name, valid_from);

CREATE TABLE claim (
    claim_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id    integer NOT NULL REFERENCES site,
    framework  text NOT NULL,
    key        text NOT NULL,
    level      integer NOT NULL CHECK (level BETWEEN 0 AND 10),
    account_id integer REFERENCES account,
    at         timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE claim IS 'append-only: the level of an area or principle (or 1 = has it, of a technology group) that a site claims for itself';
CREATE INDEX claim_key ON claim (site_id, framework, key);

CREATE TABLE framework_version (
    digest  text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
    key     text NOT NULL,
    version integer NOT NULL,
    content jsonb NOT NULL
);
COMMENT ON TABLE framework_version IS 'append-only: the catalogue that an assessment was made with, whole, by the digest of its content';

CREATE TABLE assessment (
    assessment_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id           integer NOT NULL REFERENCES site,
    framework         text NOT NULL,
    framework_version integer NOT NULL,
    catalogue_digest  text NOT NULL REFERENCES framework_version,
    first_day         date NOT NULL,
    last_day          date NOT NULL CHECK (last_day >= first_day),
    result            jsonb NOT NULL,
    origin            text NOT NULL DEFAULT 'local' CHECK (origin IN ('local', 'imported')),
    number            integer NOT NULL DEFAULT 1 CHECK (number > 0),
    supersedes        bigint UNIQUE REFERENCES assessment,
    account_id        integer REFERENCES account,
    created_at        timestamptz NOT NULL DEFAULT now(),
    finalized_at      timestamptz,
    finalized_by      integer REFERENCES account
);
COMMENT ON COLUMN assessment.number IS 'of the assessments of a site, framework and period, from 1; each supersedes the one before';
COMMENT ON COLUMN assessment.result IS 'what the data say of each criterion, as evaluated at created_at';
CREATE INDEX assessment_site ON assessment (site_id, framework, last_day);

CREATE TABLE assessor_invitation (
    assessment_id bigint NOT NULL REFERENCES assessment,
    account_id    integer NOT NULL REFERENCES account,
    site_id       integer NOT NULL REFERENCES site,
    invited_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (assessment_id, account_id)
);

CREATE TABLE assessor_decision (
    assessor_decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    assessment_id        bigint NOT NULL REFERENCES assessment,
    site_id              integer NOT NULL REFERENCES site,
    criterion            text NOT NULL,
    decision             text NOT NULL CHECK (decision IN ('accept', 'reject', 'not_applicable')),
    comment              text NOT NULL DEFAULT '' CHECK (length(comment) <= 5000),
    attachment_id        bigint REFERENCES attachment,
    account_id           integer NOT NULL REFERENCES account,
    at                   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE assessor_decision IS 'append-only: the newest decision on a criterion counts; none is added once the assessment is final';
CREATE INDEX assessor_decision_of ON assessor_decision (assessment_id, criterion);

CREATE FUNCTION refuse_change_of_final() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE FUNCTION refuse_decision() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE FUNCTION refuse_early_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.origin = 'local' AND (NEW.finalized_at IS NOT NULL OR NEW.finalized_by IS NOT NULL) THEN
        RAISE EXCEPTION 'an assessment begins open' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER final_is_final BEFORE UPDATE ON assessment FOR EACH ROW EXECUTE FUNCTION refuse_change_of_final();
CREATE TRIGGER append_only BEFORE DELETE ON assessment FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER begins_open BEFORE INSERT ON assessment FOR EACH ROW EXECUTE FUNCTION refuse_early_final();
CREATE TRIGGER of_the_invited BEFORE INSERT ON assessor_decision FOR EACH ROW EXECUTE FUNCTION refuse_decision();
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['criterion_baseline', 'attachment', 'declaration', 'claim', 'framework_version',
                                'assessor_invitation', 'assessor_decision'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END
$$;
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON assessment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- How many records the log holds, and their hashes: of every site, which say nothing of what is in them.
CREATE FUNCTION evidence_size() RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(max(seq) + 1, 0) FROM evidence_log);
END
$$;
CREATE FUNCTION evidence_leaves(first bigint) RETURNS SETOF bytea
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT leaf_hash FROM evidence_log WHERE seq >= first ORDER BY seq
$$;
REVOKE ALL ON FUNCTION evidence_size(), evidence_leaves(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION evidence_size(), evidence_leaves(bigint) TO haidang_evidence, haidang_api;

-- Assessments read what KPIs were computed from and what came of it; they write nothing but their own tables.
GRANT SELECT ON reason, asset, asset_setting, asset_relation, device, device_session, series, symbol, state_map, product,
    routing, job, shift_calendar, calendar_exception, planned_stop, target, baseline, spec_limit, factor_set, emission_factor,
    fuel_factor, site_holiday, tariff, energy_contract, business_record, reading, event, annotation, state_interval,
    atom, interval_series, carry_state, series_quality, ledger, ledger_delta, ledger_now, kpi_run, alert, alert_ack, prediction,
    audit_log, account TO haidang_evidence;
GRANT SELECT (gwp_set, fuel_set, confidence_gate) ON site TO haidang_evidence;
GRANT INSERT ON audit_log TO haidang_evidence;
GRANT SELECT, INSERT ON criterion_baseline, attachment, declaration, claim, framework_version, assessment, assessor_invitation,
    assessor_decision TO haidang_evidence, haidang_api;
GRANT UPDATE (finalized_at, finalized_by) ON assessment TO haidang_evidence, haidang_api;
GRANT SELECT ON grant_to_site TO haidang_evidence;
GRANT SELECT (account_id, role, expires_at, revoked_at) ON api_key TO haidang_evidence;

-- An assessment over the API runs as its own role and sees what its caller's sites show.
GRANT SELECT ON alert, alert_ack, prediction, fuel_factor, baseline, spec_limit, energy_contract, site_holiday TO haidang_api;
GRANT SELECT (action, object, at) ON audit_log TO haidang_api;
GRANT INSERT ON evidence_log TO haidang_api;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['criterion_baseline', 'attachment', 'declaration', 'claim', 'assessment', 'assessor_invitation',
                                'assessor_decision'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY of_visible_sites ON %I TO haidang_api USING (site_id = ANY (visible_sites()))', name);
        EXECUTE format('CREATE POLICY of_all_sites ON %I TO haidang_evidence USING (true) WITH CHECK (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['state_interval', 'atom', 'interval_series', 'kpi_run', 'annotation', 'event', 'business_record',
                                'series_quality'] LOOP
        EXECUTE format('CREATE POLICY of_evidence ON %I FOR SELECT TO haidang_evidence USING (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['alert', 'prediction'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY of_visible_sites ON %I TO haidang_api USING (site_id = ANY (visible_sites()))', name);
        EXECUTE format('CREATE POLICY of_all_sites ON %I TO haidang_ingest, haidang_kpi, haidang_grafana, haidang_evidence
                        USING (true) WITH CHECK (true)', name);
    END LOOP;
END
$$;
ALTER TABLE alert_ack ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_visible_alerts ON alert_ack TO haidang_api
    USING (EXISTS (SELECT FROM alert l WHERE l.alert_id = alert_ack.alert_id));
CREATE POLICY of_all_sites ON alert_ack TO haidang_ingest, haidang_kpi, haidang_grafana, haidang_evidence
    USING (true) WITH CHECK (true);

-- The audit log takes lines of every service; the API reads of it only who of the caller's sites looked at what.
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_services ON audit_log FOR INSERT TO haidang_ingest, haidang_kpi, haidang_api, haidang_grafana, haidang_evidence
    WITH CHECK (true);
CREATE POLICY of_evidence ON audit_log FOR SELECT TO haidang_evidence USING (true);
CREATE POLICY of_views ON audit_log FOR SELECT TO haidang_api
    USING (action LIKE 'view.%' AND object IN (SELECT s.key FROM site s WHERE s.site_id = ANY (visible_sites())));

-- The API enters what comes of assessments, of its caller's sites, at the end of the log, with the right hash; nothing else.
CREATE POLICY of_assessments ON evidence_log FOR INSERT TO haidang_api WITH CHECK (
    site_id = ANY (visible_sites())
    AND kind IN ('assessment', 'assessor_decision', 'assessment_final', 'criterion_baseline')
    AND leaf_hash = sha256('\x00'::bytea || convert_to(record, 'UTF8'))
    AND seq = evidence_size());

-- Assessments of elsewhere come by `haidang programme import` alone; the API keeps those that it made itself.
CREATE POLICY of_own_making ON assessment AS RESTRICTIVE FOR INSERT TO haidang_api WITH CHECK (origin = 'local');
