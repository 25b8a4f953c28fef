-- Least privilege: one role per service. They can log in only once a password is set (or where the server trusts).

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['haidang_ingest', 'haidang_kpi', 'haidang_api', 'haidang_grafana'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- roles belong to the server, another database of ours made it
        END;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION ensure_partitions(timestamptz, timestamptz), fold_ledger() FROM PUBLIC;

-- ingest: registers what it meets, appends raw data, never reads KPIs or secrets
GRANT SELECT ON site, asset, device, series, symbol, reason, product TO haidang_ingest;
GRANT INSERT ON asset, device, series, symbol TO haidang_ingest;
GRANT UPDATE (first_seen, last_seen) ON device TO haidang_ingest;
GRANT SELECT, INSERT ON device_session, reading, event TO haidang_ingest;
GRANT UPDATE (to_ts, how) ON device_session TO haidang_ingest;
GRANT INSERT ON reading_conflict, ledger_delta, dirty_mark TO haidang_ingest;
GRANT SELECT, INSERT ON rejected_message TO haidang_ingest;
GRANT UPDATE (last_at, times, status) ON rejected_message TO haidang_ingest;
GRANT SELECT, UPDATE (done_at, outcome) ON replay_request TO haidang_ingest;
GRANT EXECUTE ON FUNCTION ensure_partitions(timestamptz, timestamptz), fold_ledger() TO haidang_ingest;

-- KPI job: reads everything but secrets, writes derived data only
GRANT SELECT ON reason, asset, asset_setting, asset_relation, device, device_session, series, symbol, state_map,
    product, routing, job, shift_calendar, calendar_exception, planned_stop, target, baseline, spec_limit, factor_set,
    emission_factor, tariff, energy_contract, business_record, reading, event, reading_conflict, annotation,
    dirty_mark, ledger, ledger_delta, ledger_now TO haidang_kpi;
GRANT SELECT, INSERT, UPDATE, DELETE ON state_interval, atom, interval_series, carry_state TO haidang_kpi;
GRANT SELECT, INSERT, DELETE ON kpi_value TO haidang_kpi;
GRANT UPDATE ON kpi_value, raw_day_digest TO haidang_kpi;
GRANT SELECT, INSERT ON config_snapshot, raw_day_digest, kpi_run TO haidang_kpi;
GRANT INSERT, DELETE, UPDATE ON dirty_mark TO haidang_kpi;

-- API: reads for its callers (rows of their sites only), writes requests and the audit log
GRANT SELECT ON reason, asset, asset_setting, asset_relation, device, device_session, series, symbol, state_map,
    product, routing, job, shift_calendar, calendar_exception, planned_stop, target, factor_set, emission_factor, tariff,
    reading, event, reading_conflict, rejected_message, replay_request, ledger, ledger_delta, ledger_now, annotation,
    config_snapshot, state_interval, atom, interval_series, kpi_value, raw_day_digest, kpi_run, dirty_mark,
    account, api_key, grant_to_site TO haidang_api;
GRANT UPDATE (last_used_at) ON api_key TO haidang_api;
GRANT INSERT ON audit_log, replay_request, annotation, dirty_mark TO haidang_api;

-- Grafana: reads registry, readings and derived data of the sites it was granted (all, in a single-factory set-up)
GRANT SELECT ON reason, asset, series, symbol, product, shift_calendar, target, reading, event, state_interval,
    atom, interval_series, kpi_value, ledger_now TO haidang_grafana;
GRANT SELECT (device_id, site_id, asset_id, key, protocol, first_seen, last_seen) ON device TO haidang_grafana;

-- The key of the pseudonyms is for ingest alone.
GRANT SELECT (site_id, key, name, timezone, country, grid_zone, factor_set, day_start_local, demand_interval_us, lateness_us,
    origin, valid_from, valid_to, recorded_at) ON site TO haidang_kpi, haidang_api, haidang_grafana;
GRANT SELECT (gwp_set, fuel_set) ON site TO haidang_kpi, haidang_api, haidang_grafana;
GRANT SELECT (rejected_message_id, site_id, device_id, topic, payload_bytes, reason, detail, whole, first_at, last_at, times, status)
    ON rejected_message TO haidang_grafana;

-- Row-level security on derived data: the API sees only the sites that it names for its caller.
CREATE FUNCTION visible_sites() RETURNS integer[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(nullif(current_setting('haidang.site_ids', true), ''), '{}')::integer[];

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['state_interval', 'atom', 'interval_series', 'kpi_value', 'raw_day_digest',
                                'config_snapshot', 'kpi_run', 'annotation', 'event', 'rejected_message'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY of_visible_sites ON %I TO haidang_api USING (site_id = ANY (visible_sites()))', name);
        EXECUTE format('CREATE POLICY of_all_sites ON %I TO haidang_ingest, haidang_kpi, haidang_grafana USING (true) WITH CHECK (true)', name);
    END LOOP;
END
$$;

-- A message whose topic names no known site belongs to nobody: the API shows it to administrators only.
CREATE POLICY of_no_site ON rejected_message FOR SELECT TO haidang_api
    USING (site_id IS NULL AND current_setting('haidang.sees_unknown', true) = 'on');
