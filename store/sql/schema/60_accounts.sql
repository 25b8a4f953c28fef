-- Who may touch the accounts of ingest and ask for replays, beyond what 50_roles grants.

REVOKE ALL ON FUNCTION fold_seq() FROM PUBLIC;
GRANT INSERT ON seq_delta TO haidang_ingest;
GRANT SELECT, INSERT, DELETE ON batch_mark TO haidang_ingest;
GRANT UPDATE (number, at) ON batch_mark TO haidang_ingest;
GRANT UPDATE (site_id, device_id, reason, detail, whole) ON rejected_message TO haidang_ingest;
GRANT UPDATE (status) ON rejected_message TO haidang_api;
GRANT SELECT (replayable) ON rejected_message TO haidang_grafana;

CREATE POLICY of_no_site_to_settle ON rejected_message FOR UPDATE TO haidang_api
    USING (site_id IS NULL AND current_setting('haidang.sees_unknown', true) = 'on');
