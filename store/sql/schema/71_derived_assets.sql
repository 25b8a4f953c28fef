-- Derived rows name an asset of their site: checked once for each statement. A foreign key is looked up row by row, which
-- took two thirds of the time of writing KPI values.

CREATE FUNCTION check_derived_assets() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    odd record;
BEGIN
    SELECT e.site_id, e.asset_id INTO odd FROM (SELECT DISTINCT site_id, asset_id FROM entered) AS e
    WHERE NOT EXISTS (SELECT FROM asset AS a WHERE a.asset_id = e.asset_id AND a.site_id = e.site_id) LIMIT 1;
    IF FOUND THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('%s: there is no asset %s of site %s', TG_TABLE_NAME, odd.asset_id, odd.site_id);
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION keep_derived_assets() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    name text;
    kept boolean;
BEGIN
    FOREACH name IN ARRAY ARRAY['state_interval', 'atom', 'interval_series', 'kpi_value'] LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE asset_id = $1)', name) INTO kept USING old.asset_id;
        IF kept THEN
            RAISE foreign_key_violation USING
                MESSAGE = format('asset %s has rows in %s; an asset is retired, not deleted', old.asset_id, name);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION check_derived_assets(), keep_derived_assets() FROM PUBLIC;
CREATE TRIGGER kept_by_derived AFTER DELETE OR UPDATE OF asset_id, site_id ON asset
    FOR EACH ROW EXECUTE FUNCTION keep_derived_assets();
CREATE TRIGGER of_known_assets AFTER INSERT ON state_interval
    REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION check_derived_assets();
CREATE TRIGGER of_known_assets AFTER INSERT ON atom
    REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION check_derived_assets();
CREATE TRIGGER of_known_assets AFTER INSERT ON interval_series
    REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION check_derived_assets();
CREATE TRIGGER of_known_assets AFTER INSERT ON kpi_value
    REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION check_derived_assets();
