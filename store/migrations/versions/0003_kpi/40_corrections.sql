-- What an annotation replaced stays beside it.
ALTER TABLE state_interval ADD COLUMN original_class text;
ALTER TABLE state_interval ADD COLUMN original_sub_class text;
ALTER TABLE state_interval ADD COLUMN original_reason text;
COMMENT ON COLUMN state_interval.original_reason IS 'what signals, events and orders said, where an annotation says otherwise; null elsewhere';
CREATE INDEX annotation_supersedes ON annotation (supersedes);

-- Engineers import business records over the API, of their sites only; who asks for a recomputation is kept.
GRANT SELECT, INSERT ON business_record TO haidang_api;
GRANT INSERT ON audit_log TO haidang_kpi;
GRANT SELECT ON baseline, energy_contract, spec_limit TO haidang_api; -- rows are judged by the registry in force

ALTER TABLE business_record ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_visible_sites ON business_record TO haidang_api USING (site_id = ANY (visible_sites()));
CREATE POLICY of_all_sites ON business_record TO haidang_ingest, haidang_kpi, haidang_grafana USING (true) WITH CHECK (true);
