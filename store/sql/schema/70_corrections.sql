-- Engineers import business records over the API, of their sites only; who asks for a recomputation is kept.
GRANT SELECT, INSERT ON business_record TO haidang_api;
GRANT INSERT ON audit_log TO haidang_kpi;
GRANT SELECT ON baseline, energy_contract, spec_limit TO haidang_api; -- rows are judged by the registry in force

ALTER TABLE business_record ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_visible_sites ON business_record TO haidang_api USING (site_id = ANY (visible_sites()));
CREATE POLICY of_all_sites ON business_record TO haidang_ingest, haidang_kpi, haidang_grafana USING (true) WITH CHECK (true);
