-- A closed day that is computed again may have other events, corrections or records without another value: its record in
-- the evidence log has digests of them too.
CREATE FUNCTION note_runs() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO evidence_due (site_id, production_day)
    SELECT DISTINCT r.site_id, d.day::date
    FROM entered r CROSS JOIN LATERAL generate_series(r.from_day::timestamp, r.to_day::timestamp, interval '1 day') AS d(day)
    WHERE EXISTS (SELECT FROM kpi_value k WHERE k.site_id = r.site_id AND k.production_day = d.day::date AND k.grain = 'day'
                  AND k.superseded_at IS NULL AND k.is_final);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION note_runs() FROM PUBLIC;
CREATE TRIGGER evidence_due AFTER INSERT ON kpi_run
    REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION note_runs();

-- So may one to which somebody adds a record that no KPI reads; its former days are looked at as well.
CREATE FUNCTION note_business_records() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO evidence_due (site_id, production_day)
    SELECT DISTINCT b.site_id, d.day::date
    FROM entered e JOIN business_record b ON (b.site_id, b.kind, b.key) = (e.site_id, e.kind, e.key)
    CROSS JOIN LATERAL (SELECT least(b.to_ts, now()) + interval '1 day' AS last) AS l
    CROSS JOIN LATERAL generate_series(date_trunc('day', greatest(b.from_ts - interval '1 day', l.last - interval '3 years')
                                                         AT TIME ZONE 'UTC'),
                                       l.last AT TIME ZONE 'UTC', interval '1 day') AS d(day)
    WHERE b.to_ts IS NOT NULL
      AND EXISTS (SELECT FROM kpi_value k WHERE k.site_id = b.site_id AND k.production_day = d.day::date AND k.grain = 'day'
                  AND k.superseded_at IS NULL AND k.is_final);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION note_business_records() FROM PUBLIC;
CREATE TRIGGER evidence_due AFTER INSERT ON business_record
    REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION note_business_records();
