-- What workers of ingest tell each other: what changed in the registry, what a site may still send, which days were opened.

CREATE TABLE registry_change (
    xid     xid8 NOT NULL DEFAULT pg_current_xact_id(),
    site_id integer NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('site', 'place', 'series')),
    id      integer NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE registry_change IS 'one row per change, kept for a day; a reader takes those that its last snapshot did not see, so late commits are not missed';
COMMENT ON COLUMN registry_change.kind IS 'site, series: its id; place: an asset or device went away or has another key';
CREATE INDEX registry_change_xid ON registry_change (xid);

CREATE TABLE site_budget (
    site_id  integer PRIMARY KEY REFERENCES site,
    per_s    double precision NOT NULL,
    left_now double precision NOT NULL,
    at       timestamptz NOT NULL
);
COMMENT ON TABLE site_budget IS 'account of site.most_values_per_s, shared by all workers: what may still come at once; below zero, so much too much came';

CREATE TABLE opened_day (
    day       date NOT NULL,
    site_id   integer,
    device_id integer NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (day, device_id)
);
COMMENT ON TABLE opened_day IS 'days that had no place in reading before, and the device that brought them; kept for two hours';
CREATE INDEX opened_day_at ON opened_day (at);

CREATE FUNCTION note_registry_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    EXECUTE format('INSERT INTO public.registry_change (site_id, kind, id) SELECT site_id, %L, %I FROM changed',
                   TG_ARGV[0], TG_ARGV[1]);
    RETURN NULL;
END
$$;

CREATE FUNCTION note_moved_place() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO public.registry_change (site_id, kind, id) VALUES (OLD.site_id, 'place', 0);
    RETURN NULL;
END
$$;

-- Else any role could hang them on a temporary table of its own and have them run as their owner; triggers go on firing.
REVOKE ALL ON FUNCTION note_registry_change() FROM PUBLIC;
REVOKE ALL ON FUNCTION note_moved_place() FROM PUBLIC;

CREATE TRIGGER site_added AFTER INSERT ON site REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_registry_change('site', 'site_id');
CREATE TRIGGER site_changed AFTER UPDATE ON site REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_registry_change('site', 'site_id');
CREATE TRIGGER site_removed AFTER DELETE ON site REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_registry_change('site', 'site_id');
CREATE TRIGGER series_added AFTER INSERT ON series REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_registry_change('series', 'series_id');
CREATE TRIGGER series_changed AFTER UPDATE ON series REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_registry_change('series', 'series_id');
CREATE TRIGGER series_removed AFTER DELETE ON series REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_registry_change('series', 'series_id');
CREATE TRIGGER asset_removed AFTER DELETE ON asset REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_registry_change('place', 'asset_id');
CREATE TRIGGER device_removed AFTER DELETE ON device REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_registry_change('place', 'device_id');
CREATE TRIGGER asset_moved AFTER UPDATE OF site_id, key ON asset FOR EACH ROW
    WHEN ((OLD.site_id, OLD.key) IS DISTINCT FROM (NEW.site_id, NEW.key)) EXECUTE FUNCTION note_moved_place();
CREATE TRIGGER device_moved AFTER UPDATE OF site_id, key ON device FOR EACH ROW
    WHEN ((OLD.site_id, OLD.key) IS DISTINCT FROM (NEW.site_id, NEW.key)) EXECUTE FUNCTION note_moved_place();

-- The days that readings have a place for.
CREATE FUNCTION reading_days() RETURNS SETOF date
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT relkind FROM pg_catalog.pg_class WHERE oid = 'public.reading'::regclass) = 'p' THEN
        RETURN QUERY SELECT to_date(right(c.relname, 8), 'YYYYMMDD')
            FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'public.reading'::regclass AND c.relname ~ '^reading_[0-9]{8}$';
    ELSE
        RETURN QUERY EXECUTE $q$SELECT DISTINCT (range_start AT TIME ZONE 'UTC')::date FROM timescaledb_information.chunks
            WHERE hypertable_schema = 'public' AND hypertable_name = 'reading'$q$;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION reading_days() FROM PUBLIC;

GRANT SELECT, DELETE ON registry_change TO haidang_ingest;
GRANT SELECT, INSERT, UPDATE ON site_budget TO haidang_ingest;
GRANT SELECT, INSERT, DELETE ON opened_day TO haidang_ingest;
GRANT EXECUTE ON FUNCTION reading_days() TO haidang_ingest;

-- The series that first said a text, so that one broken series cannot fill the table.
ALTER TABLE symbol ADD COLUMN brought_by integer;
COMMENT ON COLUMN symbol.brought_by IS 'the series that first said it, null = not known; it is bounded how many a series may bring';
CREATE INDEX symbol_brought_by ON symbol (brought_by);
