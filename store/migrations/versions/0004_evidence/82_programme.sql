-- Programmes: keys that a programme trusts for its sites, and where imported assessments came from.

CREATE TABLE programme_key (
    site_id   integer NOT NULL REFERENCES site,
    key       text NOT NULL CHECK (length(key) <= 300),
    pinned_at timestamptz NOT NULL DEFAULT now(),
    ended_at  timestamptz,
    PRIMARY KEY (site_id, key)
);
COMMENT ON TABLE programme_key IS 'public keys (NAME+ID+KEY) whose summaries and packages count for a site, until ended_at';

CREATE TABLE programme_import (
    assessment_id bigint PRIMARY KEY REFERENCES assessment,
    site_id       integer NOT NULL REFERENCES site,
    kind          text NOT NULL CHECK (kind IN ('summary', 'package')),
    key           text NOT NULL,
    sha256        bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    made_at       timestamptz NOT NULL,
    envelope      text,
    imported_at   timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (site_id, key) REFERENCES programme_key
);
COMMENT ON TABLE programme_import IS 'append-only: what an imported assessment was read from';
COMMENT ON COLUMN programme_import.sha256 IS 'of the file that was imported';
COMMENT ON COLUMN programme_import.made_at IS 'when the site made it, as it says; a newer one of the same period supersedes';
COMMENT ON COLUMN programme_import.envelope IS 'the signed summary, to be checked again; null for a package, which the programme keeps as a file';
CREATE INDEX programme_import_site ON programme_import (site_id, made_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['programme_key', 'programme_import'] LOOP
        EXECUTE format('CREATE TRIGGER never_deleted BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY of_visible_sites ON %I TO haidang_api USING (site_id = ANY (visible_sites()))', name);
        EXECUTE format('CREATE POLICY of_all_sites ON %I TO haidang_evidence USING (true) WITH CHECK (true)', name);
    END LOOP;
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE ON programme_import FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON programme_key, programme_import TO haidang_evidence;
GRANT UPDATE (ended_at) ON programme_key TO haidang_evidence;
GRANT SELECT ON programme_key, programme_import TO haidang_api;
GRANT INSERT (key, name, timezone, origin) ON site TO haidang_evidence;
