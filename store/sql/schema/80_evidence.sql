-- Evidence: what was found, in the order in which it was entered, so that nothing can be changed afterwards without
-- showing. The leaf hashes make a Merkle tree (RFC 9162); its signed roots are the checkpoints.

DO $$
BEGIN
    CREATE ROLE haidang_evidence LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- roles belong to the server, another database of ours made it
END
$$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: no % here', tg_table_name, lower(tg_op) USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TABLE evidence_log (
    seq         bigint PRIMARY KEY CHECK (seq >= 0),
    site_id     integer REFERENCES site,
    kind        text NOT NULL,
    object      text NOT NULL,
    leaf_hash   bytea NOT NULL CHECK (length(leaf_hash) = 32),
    record      text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE evidence_log IS 'append-only; every factory of the database in one log, a record belongs to one site or, as a key, to none';
COMMENT ON COLUMN evidence_log.seq IS 'place in the log from 0, without gaps';
COMMENT ON COLUMN evidence_log.object IS 'what the record is about: a newer record of the same object replaces what it says';
COMMENT ON COLUMN evidence_log.record IS 'canonical JSON (RFC 8785)';
COMMENT ON COLUMN evidence_log.leaf_hash IS 'SHA-256(0x00 || record)';
CREATE INDEX evidence_log_object ON evidence_log (site_id, object, seq);

CREATE TABLE checkpoint (
    tree_size  bigint PRIMARY KEY CHECK (tree_size > 0),
    origin     text NOT NULL,
    root       bytea NOT NULL CHECK (length(root) = 32),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE checkpoint IS 'root of the first tree_size records';

CREATE TABLE checkpoint_signature (
    tree_size bigint NOT NULL REFERENCES checkpoint,
    key       text NOT NULL,
    line      text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tree_size, key)
);
COMMENT ON TABLE checkpoint_signature IS 'signatures of the factory and of witnesses over a checkpoint, as lines of a signed note';
COMMENT ON COLUMN checkpoint_signature.key IS 'public key, NAME+ID+KEY';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON evidence_log FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON checkpoint FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON checkpoint_signature FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON evidence_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON checkpoint FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON checkpoint_signature FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE evidence_due (
    evidence_due_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id         integer NOT NULL REFERENCES site,
    production_day  date NOT NULL
);
COMMENT ON TABLE evidence_due IS 'production days with final values or raw digests that may not be in the evidence log yet';
CREATE INDEX evidence_due_day ON evidence_due (site_id, production_day);

CREATE FUNCTION note_final_values() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO evidence_due (site_id, production_day) SELECT DISTINCT site_id, production_day FROM entered WHERE is_final;
    RETURN NULL;
END
$$;
CREATE FUNCTION note_raw_digests() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO evidence_due (site_id, production_day) SELECT DISTINCT site_id, production_day FROM entered;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION note_final_values(), note_raw_digests() FROM PUBLIC;
CREATE TRIGGER evidence_due AFTER INSERT ON kpi_value
    REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION note_final_values();
CREATE TRIGGER evidence_due AFTER INSERT ON raw_day_digest
    REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION note_raw_digests();

-- Days that were final before there was a log.
INSERT INTO evidence_due (site_id, production_day)
    SELECT DISTINCT site_id, production_day FROM kpi_value WHERE is_final AND superseded_at IS NULL
    UNION SELECT DISTINCT site_id, production_day FROM raw_day_digest WHERE superseded_at IS NULL;

GRANT SELECT, INSERT ON evidence_log, checkpoint, checkpoint_signature TO haidang_evidence;
GRANT SELECT, UPDATE, DELETE ON evidence_due TO haidang_evidence;
GRANT SELECT ON asset, series, kpi_value, raw_day_digest, config_snapshot, dirty_mark TO haidang_evidence;
GRANT SELECT (site_id, key, name, timezone, country, grid_zone, factor_set, day_start_local, demand_interval_us, lateness_us,
    origin, valid_from, valid_to, recorded_at) ON site TO haidang_evidence;
GRANT SELECT ON evidence_log, checkpoint, checkpoint_signature TO haidang_api;

ALTER TABLE evidence_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_visible_sites ON evidence_log FOR SELECT TO haidang_api USING (site_id = ANY (visible_sites()));
CREATE POLICY of_all_sites ON evidence_log TO haidang_evidence USING (true) WITH CHECK (true);
CREATE POLICY of_evidence ON kpi_value FOR SELECT TO haidang_evidence USING (true);
CREATE POLICY of_evidence ON raw_day_digest FOR SELECT TO haidang_evidence USING (true);
CREATE POLICY of_evidence ON config_snapshot FOR SELECT TO haidang_evidence USING (true);
