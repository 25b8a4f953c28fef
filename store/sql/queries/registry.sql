-- Reading and writing the registry.

-- name: insert_factor_set
-- A new set or nothing where that version is known; returns its id when it is new.
INSERT INTO factor_set (site_id, key, version, name, source)
VALUES (%(site_id)s, %(key)s, %(version)s, %(name)s, %(source)s)
ON CONFLICT (site_id, key, version) DO NOTHING
RETURNING factor_set_id

-- name: insert_emission_factor
-- One dated factor of a set.
INSERT INTO emission_factor (factor_set_id, zone, valid_from, valid_to, kg_per_unit, status, origin, source, basis)
VALUES (%(factor_set_id)s, %(zone)s, %(valid_from)s, %(valid_to)s, %(kg_per_kwh)s, %(status)s, %(origin)s, %(source)s, %(basis)s)
ON CONFLICT DO NOTHING

-- name: insert_fuel_factor
-- One fuel of a set.
INSERT INTO fuel_factor (factor_set_id, fuel, co2_kg_per_tj, ch4_kg_per_tj, n2o_kg_per_tj, ncv_tj_per_gg, density_kg_per_l,
    biogenic, source)
VALUES (%(factor_set_id)s, %(fuel)s, %(co2_kg_per_tj)s, %(ch4_kg_per_tj)s, %(n2o_kg_per_tj)s, %(ncv_tj_per_gg)s,
    %(density_kg_per_l)s, %(biogenic)s, %(source)s)
ON CONFLICT DO NOTHING

-- name: find_factor_set
-- The newest version of a set by key: the site's own before the shipped one.
SELECT factor_set_id, key || '/' || version FROM factor_set
WHERE key = %(key)s AND (site_id = %(site_id)s OR site_id IS NULL)
ORDER BY site_id NULLS LAST, version DESC LIMIT 1

-- name: stored_factors
-- What a version of a set holds, as the file writes it: name and source of the set, and its yearly factors.
SELECT s.name, s.source, f.zone, extract(year FROM f.valid_from)::integer AS year, f.kg_per_unit, f.status, f.origin, f.source,
    f.basis
FROM factor_set AS s JOIN emission_factor AS f USING (factor_set_id)
WHERE s.site_id = %(site_id)s AND s.key = %(key)s AND s.version = %(version)s

-- name: stored_fuels
-- What a version of a set holds of fuels, as the file writes it.
SELECT s.name, s.source, f.fuel, f.co2_kg_per_tj, f.ch4_kg_per_tj, f.n2o_kg_per_tj, f.ncv_tj_per_gg, f.density_kg_per_l,
    f.biogenic, f.source
FROM factor_set AS s JOIN fuel_factor AS f USING (factor_set_id)
WHERE s.site_id = %(site_id)s AND s.key = %(key)s AND s.version = %(version)s

-- name: sites_on_shipped_set
-- Sites whose factors a version of a shipped set decides: no newer one is there, and no set of their own by that key.
SELECT s.site_id FROM site AS s
WHERE (s.factor_set = %(key)s OR (s.fuel_set = %(key)s AND EXISTS (
    SELECT FROM business_record AS b WHERE b.site_id = s.site_id AND b.kind = 'fuel'))) AND NOT EXISTS (
    SELECT FROM factor_set AS f WHERE f.key = %(key)s
    AND (f.site_id = s.site_id OR (f.site_id IS NULL AND f.version > %(version)s)))
ORDER BY s.site_id

-- name: only_factors_differ
-- Whether a known site differs from the one given in nothing but where its emission factors come from.
SELECT (s.name, s.timezone, s.country, s.day_start_local, s.demand_interval_us, s.lateness_us, s.confidence_gate)
    IS NOT DISTINCT FROM (r.name, r.timezone, r.country, r.day_start_local, r.demand_interval_us, r.lateness_us,
    r.confidence_gate)
FROM jsonb_to_record(%(site)s) AS r (key text, name text, timezone text, country text, day_start_local time,
    demand_interval_us bigint, lateness_us bigint, confidence_gate double precision)
JOIN site AS s USING (key)

-- name: upsert_site
-- Creates or changes the site; returns its id and whether it was new or changed.
INSERT INTO site AS s (key, name, timezone, country, grid_zone, factor_set, day_start_local, demand_interval_us, lateness_us,
    gwp_set, fuel_set, confidence_gate)
SELECT key, name, timezone, country, grid_zone, factor_set, day_start_local, demand_interval_us, lateness_us, gwp_set, fuel_set,
    confidence_gate
FROM jsonb_to_record(%(site)s) AS r (key text, name text, timezone text, country text, grid_zone text, factor_set text,
    day_start_local time, demand_interval_us bigint, lateness_us bigint, gwp_set text, fuel_set text,
    confidence_gate double precision)
ON CONFLICT (key) DO UPDATE SET name = excluded.name, timezone = excluded.timezone, country = excluded.country,
    grid_zone = excluded.grid_zone, factor_set = excluded.factor_set, day_start_local = excluded.day_start_local,
    demand_interval_us = excluded.demand_interval_us, lateness_us = excluded.lateness_us,
    gwp_set = excluded.gwp_set, fuel_set = excluded.fuel_set, confidence_gate = excluded.confidence_gate, recorded_at = now()
WHERE (s.name, s.timezone, s.country, s.grid_zone, s.factor_set, s.day_start_local, s.demand_interval_us, s.lateness_us,
    s.gwp_set, s.fuel_set, s.confidence_gate)
    IS DISTINCT FROM (excluded.name, excluded.timezone, excluded.country, excluded.grid_zone, excluded.factor_set,
    excluded.day_start_local, excluded.demand_interval_us, excluded.lateness_us, excluded.gwp_set, excluded.fuel_set,
    excluded.confidence_gate)
RETURNING s.site_id

-- name: set_person_key
-- A site gets its pseudonym key once.
UPDATE site SET person_key = %(person_key)s WHERE site_id = %(site_id)s AND person_key IS NULL

-- name: site_id
-- The id of a site by its key.
SELECT site_id FROM site WHERE key = %(key)s

-- name: site_keys
-- The first sites by key, for who named one that there is not.
SELECT key FROM site ORDER BY key LIMIT 10

-- name: upsert_asset
-- Creates or changes assets, parents first; returns the keys that changed.
INSERT INTO asset AS a (site_id, key, parent_id, level, kind, name, status)
SELECT %(site_id)s, r.key, p.asset_id, r.level, r.kind, r.name, 'active'
FROM jsonb_to_recordset(%(rows)s) AS r (key text, parent text, level text, kind text, name text)
LEFT JOIN asset AS p ON p.site_id = %(site_id)s AND p.key = r.parent
ON CONFLICT (site_id, key) DO UPDATE SET parent_id = excluded.parent_id, level = excluded.level, kind = excluded.kind,
    name = excluded.name, status = excluded.status, valid_to = NULL, recorded_at = now()
WHERE (a.parent_id, a.level, a.kind, a.name, a.status)
    IS DISTINCT FROM (excluded.parent_id, excluded.level, excluded.kind, excluded.name, excluded.status)
RETURNING a.key

-- name: retire_asset
-- Assets that a file declared and this one does not: they are in force until now, their data and KPIs stay; returns their keys.
UPDATE asset AS a SET status = 'retired', valid_to = now(), recorded_at = now()
WHERE a.site_id = %(site_id)s AND a.status = 'active'
  AND NOT EXISTS (SELECT FROM jsonb_to_recordset(%(rows)s) AS r (key text) WHERE r.key = a.key)
RETURNING a.key

-- name: upsert_asset_setting
-- Settings of assets from an instant on; returns the keys that changed.
INSERT INTO asset_setting AS s (asset_id, site_id, critical, assume_order, micro_stop_limit_us, max_silence_us, state_model,
    roll_up, constraint_key, last_key, valid_from)
SELECT a.asset_id, %(site_id)s, r.critical, r.assume_order, r.micro_stop_limit_us, r.max_silence_us, r.state_model,
    r.roll_up, r.constraint_key, r.last_key, r.valid_from
FROM jsonb_to_recordset(%(rows)s) AS r (key text, critical boolean, assume_order boolean, micro_stop_limit_us bigint,
    max_silence_us bigint, state_model text, roll_up text, constraint_key text, last_key text,
    valid_from timestamptz)
JOIN asset AS a ON a.site_id = %(site_id)s AND a.key = r.key
ON CONFLICT (asset_id, valid_from) DO UPDATE SET critical = excluded.critical, assume_order = excluded.assume_order,
    micro_stop_limit_us = excluded.micro_stop_limit_us, max_silence_us = excluded.max_silence_us,
    state_model = excluded.state_model, roll_up = excluded.roll_up, constraint_key = excluded.constraint_key,
    last_key = excluded.last_key, recorded_at = now()
WHERE (s.critical, s.assume_order, s.micro_stop_limit_us, s.max_silence_us, s.state_model, s.roll_up, s.constraint_key,
    s.last_key)
    IS DISTINCT FROM (excluded.critical, excluded.assume_order, excluded.micro_stop_limit_us, excluded.max_silence_us,
    excluded.state_model, excluded.roll_up, excluded.constraint_key, excluded.last_key)
RETURNING s.asset_id

-- name: chain_asset_setting
-- Each setting ends where the next one of the same asset begins.
UPDATE asset_setting AS s SET valid_to = n.next_from
FROM (SELECT asset_id, valid_from, lead(valid_from) OVER (PARTITION BY asset_id ORDER BY valid_from) AS next_from
      FROM asset_setting WHERE site_id = %(site_id)s) AS n
WHERE s.asset_id = n.asset_id AND s.valid_from = n.valid_from AND s.valid_to IS DISTINCT FROM n.next_from

-- name: upsert_series
-- Declares series as active; returns the names that changed.
INSERT INTO series AS s (site_id, asset_id, name, quantity, qualifier, unit, kind, expected_period_us, max_gap_us,
    counter_rule, counter_modulus, max_rate_per_s, interval_us, interval_label, status, flat_limit_us, valid_low, valid_high)
SELECT %(site_id)s, a.asset_id, r.name, r.quantity, r.qualifier, r.unit, r.kind, r.expected_period_us, r.max_gap_us,
    r.counter_rule, r.counter_modulus, r.max_rate_per_s, r.interval_us, r.interval_label, r.status, r.flat_limit_us, r.valid_low,
    r.valid_high
FROM jsonb_to_recordset(%(rows)s) AS r (asset text, name text, quantity text, qualifier text, unit text, kind text,
    expected_period_us bigint, max_gap_us bigint, counter_rule text, counter_modulus double precision,
    max_rate_per_s double precision, interval_us bigint, interval_label text, status text, flat_limit_us bigint,
    valid_low double precision, valid_high double precision)
JOIN asset AS a ON a.site_id = %(site_id)s AND a.key = r.asset
ON CONFLICT (asset_id, name) DO UPDATE SET quantity = excluded.quantity, qualifier = excluded.qualifier,
    unit = excluded.unit, kind = excluded.kind, expected_period_us = excluded.expected_period_us,
    max_gap_us = excluded.max_gap_us, counter_rule = excluded.counter_rule, counter_modulus = excluded.counter_modulus,
    max_rate_per_s = excluded.max_rate_per_s, interval_us = excluded.interval_us,
    interval_label = excluded.interval_label, status = excluded.status, flat_limit_us = excluded.flat_limit_us,
    valid_low = excluded.valid_low, valid_high = excluded.valid_high, recorded_at = now(),
    valid_to = CASE excluded.status WHEN 'retired' THEN coalesce(s.valid_to, now()) END
WHERE (s.quantity, s.qualifier, s.unit, s.kind, s.expected_period_us, s.max_gap_us, s.counter_rule, s.counter_modulus,
    s.max_rate_per_s, s.interval_us, s.interval_label, s.status, s.flat_limit_us, s.valid_low, s.valid_high)
    IS DISTINCT FROM (excluded.quantity, excluded.qualifier, excluded.unit, excluded.kind, excluded.expected_period_us,
    excluded.max_gap_us, excluded.counter_rule, excluded.counter_modulus, excluded.max_rate_per_s, excluded.interval_us,
    excluded.interval_label, excluded.status, excluded.flat_limit_us, excluded.valid_low, excluded.valid_high)
RETURNING s.name

-- name: retire_series
-- Series that a file declared and this one does not; what ingest proposed stays proposed; returns their names.
UPDATE series AS s SET status = 'retired', valid_to = now(), recorded_at = now()
FROM asset AS a
WHERE a.asset_id = s.asset_id AND s.site_id = %(site_id)s AND s.status = 'active' AND NOT EXISTS (
    SELECT FROM jsonb_to_recordset(%(rows)s) AS r (asset text, name text) WHERE r.asset = a.key AND r.name = s.name)
RETURNING s.name

-- name: upsert_reason
-- The reason tree; returns the keys that changed.
INSERT INTO reason AS t (site_id, key, parent_id, name_vi, name_en, time_class, sub_class, loss_category)
SELECT %(site_id)s, r.key, p.reason_id, r.name_vi, r.name_en, r.time_class, r.sub_class, r.loss_category
FROM jsonb_to_recordset(%(rows)s) AS r (key text, parent text, name_vi text, name_en text, time_class text,
    sub_class text, loss_category text)
LEFT JOIN reason AS p ON p.site_id = %(site_id)s AND p.key = r.parent
ON CONFLICT (site_id, key) DO UPDATE SET parent_id = excluded.parent_id, name_vi = excluded.name_vi,
    name_en = excluded.name_en, time_class = excluded.time_class, sub_class = excluded.sub_class,
    loss_category = excluded.loss_category, recorded_at = now()
WHERE (t.parent_id, t.name_vi, t.name_en, t.time_class, t.sub_class, t.loss_category)
    IS DISTINCT FROM (excluded.parent_id, excluded.name_vi, excluded.name_en, excluded.time_class, excluded.sub_class,
    excluded.loss_category)
RETURNING t.key

-- name: replace_state_map
-- Makes the site's own state meanings exactly those given; returns the states that changed.
WITH wanted AS (
    SELECT a.asset_id, r.state, r.mode, r.time_class, r.sub_class, r.needs_parts, r.reason
    FROM jsonb_to_recordset(%(rows)s) AS r (asset text, state text, mode text, time_class text, sub_class text,
        needs_parts boolean, reason text)
    LEFT JOIN asset AS a ON a.site_id = %(site_id)s AND a.key = r.asset
), gone AS (
    DELETE FROM state_map AS m WHERE site_id = %(site_id)s AND NOT EXISTS (
        SELECT FROM wanted AS w
        WHERE w.state = m.state AND w.mode = m.mode AND w.asset_id IS NOT DISTINCT FROM m.asset_id)
    RETURNING m.state
), put AS (
    INSERT INTO state_map AS m (site_id, asset_id, state, mode, time_class, sub_class, needs_parts, reason)
    SELECT %(site_id)s, asset_id, state, mode, time_class, sub_class, needs_parts, reason FROM wanted
    ON CONFLICT (site_id, asset_id, state, mode, valid_from) DO UPDATE SET time_class = excluded.time_class,
        sub_class = excluded.sub_class, needs_parts = excluded.needs_parts, reason = excluded.reason, recorded_at = now()
    WHERE (m.time_class, m.sub_class, m.needs_parts, m.reason)
        IS DISTINCT FROM (excluded.time_class, excluded.sub_class, excluded.needs_parts, excluded.reason)
    RETURNING m.state
)
SELECT state FROM gone UNION ALL SELECT state FROM put

-- name: upsert_product
-- Products; returns the keys that changed.
INSERT INTO product AS p (site_id, key, name, unit, mass_kg)
SELECT %(site_id)s, r.key, r.name, r.unit, r.mass_kg
FROM jsonb_to_recordset(%(rows)s) AS r (key text, name text, unit text, mass_kg double precision)
ON CONFLICT (site_id, key) DO UPDATE SET name = excluded.name, unit = excluded.unit, mass_kg = excluded.mass_kg,
    recorded_at = now()
WHERE (p.name, p.unit, p.mass_kg) IS DISTINCT FROM (excluded.name, excluded.unit, excluded.mass_kg)
RETURNING p.key

-- name: replace_routing
-- Makes the planned run times exactly those given; returns what changed.
WITH wanted AS (
    SELECT a.asset_id, p.product_id, r.tool, r.ideal_cycle_us, r.pieces_per_cycle, r.source, r.valid_from, r.valid_to
    FROM jsonb_to_recordset(%(rows)s) AS r (asset text, product text, tool text, ideal_cycle_us bigint,
        pieces_per_cycle integer, source text, valid_from timestamptz, valid_to timestamptz)
    LEFT JOIN asset AS a ON a.site_id = %(site_id)s AND a.key = r.asset
    LEFT JOIN product AS p ON p.site_id = %(site_id)s AND p.key = r.product
), gone AS (
    DELETE FROM routing AS t WHERE site_id = %(site_id)s AND NOT EXISTS (
        SELECT FROM wanted AS w WHERE (w.asset_id, w.product_id, w.tool, w.valid_from)
            IS NOT DISTINCT FROM (t.asset_id, t.product_id, t.tool, t.valid_from))
    RETURNING t.tool
), put AS (
    INSERT INTO routing AS t (site_id, asset_id, product_id, tool, ideal_cycle_us, pieces_per_cycle, source, valid_from, valid_to)
    SELECT %(site_id)s, asset_id, product_id, tool, ideal_cycle_us, pieces_per_cycle, source, valid_from, valid_to FROM wanted
    ON CONFLICT (site_id, asset_id, product_id, tool, valid_from) DO UPDATE SET ideal_cycle_us = excluded.ideal_cycle_us,
        pieces_per_cycle = excluded.pieces_per_cycle, source = excluded.source, valid_to = excluded.valid_to, recorded_at = now()
    WHERE (t.ideal_cycle_us, t.pieces_per_cycle, t.source, t.valid_to)
        IS DISTINCT FROM (excluded.ideal_cycle_us, excluded.pieces_per_cycle, excluded.source, excluded.valid_to)
    RETURNING t.tool
)
SELECT tool FROM gone UNION ALL SELECT tool FROM put

-- name: replace_shift_calendar
-- Makes the shift pattern exactly the one given; returns the shifts that changed.
WITH wanted AS (
    SELECT a.asset_id, r.* FROM jsonb_to_recordset(%(rows)s) AS r (asset text, shift text, anchor_date date, cycle_days integer,
        cycle_day integer, start_local time, end_local time, valid_from date, valid_to date)
    LEFT JOIN asset AS a ON a.site_id = %(site_id)s AND a.key = r.asset
), gone AS (
    DELETE FROM shift_calendar AS c WHERE site_id = %(site_id)s AND NOT EXISTS (
        SELECT FROM wanted AS w
        WHERE (w.asset_id, w.shift, w.anchor_date, w.cycle_days, w.cycle_day, w.start_local, w.end_local, w.valid_from, w.valid_to)
            IS NOT DISTINCT FROM (c.asset_id, c.shift, c.anchor_date, c.cycle_days, c.cycle_day, c.start_local, c.end_local,
                c.valid_from, c.valid_to))
    RETURNING c.shift
), put AS (
    INSERT INTO shift_calendar (site_id, asset_id, shift, anchor_date, cycle_days, cycle_day, start_local, end_local,
        valid_from, valid_to)
    SELECT %(site_id)s, asset_id, shift, anchor_date, cycle_days, cycle_day, start_local, end_local, valid_from, valid_to
    FROM wanted AS w WHERE NOT EXISTS (
        SELECT FROM shift_calendar AS c WHERE c.site_id = %(site_id)s
        AND (w.asset_id, w.shift, w.anchor_date, w.cycle_days, w.cycle_day, w.start_local, w.end_local, w.valid_from, w.valid_to)
            IS NOT DISTINCT FROM (c.asset_id, c.shift, c.anchor_date, c.cycle_days, c.cycle_day, c.start_local, c.end_local,
                c.valid_from, c.valid_to))
    RETURNING shift
)
SELECT shift FROM gone UNION ALL SELECT shift FROM put

-- name: replace_calendar_exception
-- Makes the exceptions exactly those given; returns the dates that changed.
WITH wanted AS (
    SELECT a.asset_id, r.* FROM jsonb_to_recordset(%(rows)s) AS r (asset text, local_date date, kind text, shift text,
        start_local time, end_local time, note text)
    LEFT JOIN asset AS a ON a.site_id = %(site_id)s AND a.key = r.asset
), gone AS (
    DELETE FROM calendar_exception AS e WHERE site_id = %(site_id)s AND NOT EXISTS (
        SELECT FROM wanted AS w WHERE (w.asset_id, w.local_date, w.kind, w.shift)
            IS NOT DISTINCT FROM (e.asset_id, e.local_date, e.kind, e.shift))
    RETURNING e.local_date
), put AS (
    INSERT INTO calendar_exception AS e (site_id, asset_id, local_date, kind, shift, start_local, end_local, note)
    SELECT %(site_id)s, asset_id, local_date, kind, shift, start_local, end_local, note FROM wanted
    ON CONFLICT (site_id, asset_id, local_date, kind, shift) DO UPDATE SET start_local = excluded.start_local,
        end_local = excluded.end_local, note = excluded.note, recorded_at = now()
    WHERE (e.start_local, e.end_local, e.note) IS DISTINCT FROM (excluded.start_local, excluded.end_local, excluded.note)
    RETURNING e.local_date
)
SELECT local_date FROM gone UNION ALL SELECT local_date FROM put

-- name: replace_holidays
-- Makes the holidays exactly those given; returns the dates that changed. Another name alone is no other calendar.
WITH wanted AS (
    SELECT r.* FROM jsonb_to_recordset(%(rows)s) AS r (local_date date, name text)
), gone AS (
    DELETE FROM site_holiday AS h WHERE site_id = %(site_id)s AND NOT EXISTS (
        SELECT FROM wanted AS w WHERE w.local_date = h.local_date)
    RETURNING h.local_date
), put AS (
    INSERT INTO site_holiday (site_id, local_date, name) SELECT %(site_id)s, local_date, name FROM wanted
    ON CONFLICT DO NOTHING RETURNING local_date
)
SELECT local_date FROM gone UNION ALL SELECT local_date FROM put

-- name: replace_planned_stop
-- Makes the planned stops exactly those given; returns the keys that changed.
WITH wanted AS (
    SELECT a.asset_id, r.* FROM jsonb_to_recordset(%(rows)s) AS r (asset text, key text, reason text, from_ts timestamptz,
        to_ts timestamptz, shift text, start_local time, end_local time, valid_from date, valid_to date)
    LEFT JOIN asset AS a ON a.site_id = %(site_id)s AND a.key = r.asset
), gone AS (
    DELETE FROM planned_stop AS s WHERE site_id = %(site_id)s AND NOT EXISTS (
        SELECT FROM wanted AS w WHERE (w.asset_id, w.key, w.valid_from) IS NOT DISTINCT FROM (s.asset_id, s.key, s.valid_from))
    RETURNING s.key
), put AS (
    INSERT INTO planned_stop AS s (site_id, asset_id, key, reason, from_ts, to_ts, shift, start_local, end_local, valid_from, valid_to)
    SELECT %(site_id)s, asset_id, key, reason, from_ts, to_ts, shift, start_local, end_local, valid_from, valid_to FROM wanted
    ON CONFLICT (site_id, asset_id, key, valid_from) DO UPDATE SET reason = excluded.reason, from_ts = excluded.from_ts,
        to_ts = excluded.to_ts, shift = excluded.shift, start_local = excluded.start_local, end_local = excluded.end_local,
        valid_to = excluded.valid_to, recorded_at = now()
    WHERE (s.reason, s.from_ts, s.to_ts, s.shift, s.start_local, s.end_local, s.valid_to) IS DISTINCT FROM
        (excluded.reason, excluded.from_ts, excluded.to_ts, excluded.shift, excluded.start_local, excluded.end_local, excluded.valid_to)
    RETURNING s.key
)
SELECT key FROM gone UNION ALL SELECT key FROM put

-- name: replace_job
-- Makes the orders in work exactly those given; returns the keys that changed.
WITH wanted AS (
    SELECT a.asset_id, r.key, p.product_id, r.planned_quantity, r.from_ts, r.to_ts
    FROM jsonb_to_recordset(%(rows)s) AS r (asset text, key text, product text, planned_quantity double precision,
        from_ts timestamptz, to_ts timestamptz)
    JOIN asset AS a ON a.site_id = %(site_id)s AND a.key = r.asset
    LEFT JOIN product AS p ON p.site_id = %(site_id)s AND p.key = r.product
), gone AS (
    DELETE FROM job AS j WHERE site_id = %(site_id)s AND NOT EXISTS (
        SELECT FROM wanted AS w WHERE (w.asset_id, w.key, w.from_ts) = (j.asset_id, j.key, j.from_ts))
    RETURNING j.key
), put AS (
    INSERT INTO job AS j (site_id, asset_id, key, product_id, planned_quantity, from_ts, to_ts)
    SELECT %(site_id)s, asset_id, key, product_id, planned_quantity, from_ts, to_ts FROM wanted
    ON CONFLICT (asset_id, key, from_ts) DO UPDATE SET product_id = excluded.product_id,
        planned_quantity = excluded.planned_quantity, to_ts = excluded.to_ts, recorded_at = now()
    WHERE (j.product_id, j.planned_quantity, j.to_ts)
        IS DISTINCT FROM (excluded.product_id, excluded.planned_quantity, excluded.to_ts)
    RETURNING j.key
)
SELECT key FROM gone UNION ALL SELECT key FROM put

-- name: replace_target
-- Makes the targets exactly those given; returns the KPIs whose target changed.
WITH wanted AS (
    SELECT a.asset_id, r.kpi, r.value, r.source, r.valid_from FROM jsonb_to_recordset(%(rows)s) AS r (asset text, kpi text,
        value double precision, source text, valid_from timestamptz)
    LEFT JOIN asset AS a ON a.site_id = %(site_id)s AND a.key = r.asset
), gone AS (
    DELETE FROM target AS t WHERE site_id = %(site_id)s AND NOT EXISTS (
        SELECT FROM wanted AS w WHERE (w.asset_id, w.kpi, w.valid_from) IS NOT DISTINCT FROM (t.asset_id, t.kpi, t.valid_from))
    RETURNING t.kpi
), put AS (
    INSERT INTO target AS t (site_id, asset_id, kpi, value, source, valid_from)
    SELECT %(site_id)s, asset_id, kpi, value, source, valid_from FROM wanted
    ON CONFLICT (site_id, asset_id, kpi, valid_from) DO UPDATE SET value = excluded.value, source = excluded.source, recorded_at = now()
    WHERE (t.value, t.source) IS DISTINCT FROM (excluded.value, excluded.source)
    RETURNING t.kpi
)
SELECT kpi FROM gone UNION ALL SELECT kpi FROM put

-- name: replace_tariff
-- Makes the dated time-of-use schedules exactly those given; returns the keys that changed.
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s) AS r (key text, periods jsonb, prices jsonb, currency text,
        vat_rate double precision, source text, origin text, valid_from date, valid_to date, voltage_kv double precision,
        subscribed_kw double precision, demand_price double precision)
), gone AS (
    DELETE FROM tariff AS t WHERE site_id = %(site_id)s AND NOT EXISTS (
        SELECT FROM wanted AS w WHERE (w.key, w.valid_from) = (t.key, t.valid_from))
    RETURNING t.key
), put AS (
    INSERT INTO tariff AS t (site_id, key, periods, prices, currency, vat_rate, source, origin, valid_from, valid_to,
        voltage_kv, subscribed_kw, demand_price)
    SELECT %(site_id)s, key, periods, prices, currency, vat_rate, source, origin, valid_from, valid_to, voltage_kv,
        subscribed_kw, demand_price FROM wanted
    ON CONFLICT (site_id, key, valid_from) DO UPDATE SET periods = excluded.periods, prices = excluded.prices,
        currency = excluded.currency, vat_rate = excluded.vat_rate, source = excluded.source, origin = excluded.origin,
        valid_to = excluded.valid_to, voltage_kv = excluded.voltage_kv, subscribed_kw = excluded.subscribed_kw,
        demand_price = excluded.demand_price, recorded_at = now()
    WHERE (t.periods, t.prices, t.currency, t.vat_rate, t.source, t.origin, t.valid_to, t.voltage_kv, t.subscribed_kw,
        t.demand_price)
        IS DISTINCT FROM (excluded.periods, excluded.prices, excluded.currency, excluded.vat_rate, excluded.source,
        excluded.origin, excluded.valid_to, excluded.voltage_kv, excluded.subscribed_kw, excluded.demand_price)
    RETURNING t.key
)
SELECT key FROM gone UNION ALL SELECT key FROM put

-- name: replace_asset_relation
-- Makes what measures what exactly the relations given; returns the kinds of those that changed.
WITH wanted AS (
    SELECT f.asset_id AS from_asset, t.asset_id AS to_asset, r.kind, r.share, r.valid_from, r.valid_to
    FROM jsonb_to_recordset(%(rows)s) AS r (from_asset text, to_asset text, kind text, share double precision,
        valid_from timestamptz, valid_to timestamptz)
    JOIN asset AS f ON f.site_id = %(site_id)s AND f.key = r.from_asset
    JOIN asset AS t ON t.site_id = %(site_id)s AND t.key = r.to_asset
), gone AS (
    DELETE FROM asset_relation AS o WHERE site_id = %(site_id)s AND kind IN ('meters', 'submeter_of') AND NOT EXISTS (
        SELECT FROM wanted AS w WHERE (w.from_asset, w.to_asset, w.kind, w.valid_from)
            = (o.from_asset, o.to_asset, o.kind, o.valid_from))
    RETURNING o.kind
), put AS (
    INSERT INTO asset_relation AS o (site_id, from_asset, to_asset, kind, share, valid_from, valid_to)
    SELECT %(site_id)s, from_asset, to_asset, kind, share, valid_from, valid_to FROM wanted
    ON CONFLICT (from_asset, to_asset, kind, valid_from) DO UPDATE SET share = excluded.share,
        valid_to = excluded.valid_to, recorded_at = now()
    WHERE (o.share, o.valid_to) IS DISTINCT FROM (excluded.share, excluded.valid_to)
    RETURNING o.kind
)
SELECT kind FROM gone UNION ALL SELECT kind FROM put

-- name: replace_energy_contract
-- Makes the contracts of electricity exactly those given; returns the keys that changed.
WITH wanted AS (
    SELECT key, kind, kg_per_kwh, valid_from, valid_to, amount_kwh, share, source,
        ARRAY(SELECT jsonb_array_elements_text(criteria)) AS criteria
    FROM jsonb_to_recordset(%(rows)s) AS r (key text, kind text, kg_per_kwh double precision, valid_from date, valid_to date,
        amount_kwh double precision, share double precision, source text, criteria jsonb)
), gone AS (
    DELETE FROM energy_contract AS c WHERE site_id = %(site_id)s AND NOT EXISTS (
        SELECT FROM wanted AS w WHERE (w.key, w.valid_from) = (c.key, c.valid_from))
    RETURNING c.key
), put AS (
    INSERT INTO energy_contract AS c (site_id, key, kind, kg_per_kwh, valid_from, valid_to, amount_kwh, share, source, criteria)
    SELECT %(site_id)s, key, kind, kg_per_kwh, valid_from, valid_to, amount_kwh, share, source, criteria FROM wanted
    ON CONFLICT (site_id, key, valid_from) DO UPDATE SET kind = excluded.kind, kg_per_kwh = excluded.kg_per_kwh,
        valid_to = excluded.valid_to, amount_kwh = excluded.amount_kwh, share = excluded.share, source = excluded.source,
        criteria = excluded.criteria, recorded_at = now()
    WHERE (c.kind, c.kg_per_kwh, c.valid_to, c.amount_kwh, c.share, c.source, c.criteria) IS DISTINCT FROM (excluded.kind,
        excluded.kg_per_kwh, excluded.valid_to, excluded.amount_kwh, excluded.share, excluded.source, excluded.criteria)
    RETURNING c.key
)
SELECT key FROM gone UNION ALL SELECT key FROM put

-- name: replace_spec_limit
-- Makes the specification limits be these; returns the characteristics that changed.
WITH wanted AS (
    SELECT p.product_id, s.series_id, r.characteristic, r.lower_limit, r.upper_limit, r.unit, r.valid_from, r.valid_to,
        r.subgroup_size
    FROM jsonb_to_recordset(%(rows)s) AS r (product text, asset text, series text, characteristic text,
        lower_limit double precision, upper_limit double precision, unit text, valid_from timestamptz, valid_to timestamptz,
        subgroup_size integer)
    LEFT JOIN product AS p ON p.site_id = %(site_id)s AND p.key = r.product
    LEFT JOIN asset AS a ON a.site_id = %(site_id)s AND a.key = r.asset
    LEFT JOIN series AS s ON s.asset_id = a.asset_id AND s.name = r.series
), gone AS (
    DELETE FROM spec_limit AS l WHERE site_id = %(site_id)s AND NOT EXISTS (
        SELECT FROM wanted AS w WHERE (w.product_id, w.series_id, w.characteristic, w.lower_limit, w.upper_limit, w.unit,
            w.valid_from, w.valid_to, w.subgroup_size)
            IS NOT DISTINCT FROM (l.product_id, l.series_id, l.characteristic, l.lower_limit, l.upper_limit, l.unit,
            l.valid_from, l.valid_to, l.subgroup_size))
    RETURNING l.characteristic
), put AS (
    INSERT INTO spec_limit (site_id, product_id, series_id, characteristic, lower_limit, upper_limit, unit, valid_from,
        valid_to, subgroup_size)
    SELECT %(site_id)s, product_id, series_id, characteristic, lower_limit, upper_limit, unit, valid_from, valid_to,
        subgroup_size FROM wanted AS w
    WHERE NOT EXISTS (SELECT FROM spec_limit AS l WHERE l.site_id = %(site_id)s AND
        (w.product_id, w.series_id, w.characteristic, w.lower_limit, w.upper_limit, w.unit, w.valid_from, w.valid_to,
        w.subgroup_size)
        IS NOT DISTINCT FROM (l.product_id, l.series_id, l.characteristic, l.lower_limit, l.upper_limit, l.unit,
        l.valid_from, l.valid_to, l.subgroup_size))
    RETURNING characteristic
)
SELECT characteristic FROM gone UNION ALL SELECT characteristic FROM put

-- name: data_extent
-- First and last instant of anything recorded at the site.
SELECT min(x.first_ts), max(x.last_ts) FROM (
    SELECT f.ts AS first_ts, l.ts AS last_ts FROM series AS s
    CROSS JOIN LATERAL (SELECT ts FROM reading WHERE series_id = s.series_id ORDER BY ts LIMIT 1) AS f
    CROSS JOIN LATERAL (SELECT ts FROM reading WHERE series_id = s.series_id ORDER BY ts DESC LIMIT 1) AS l
    WHERE s.site_id = %(site_id)s
    UNION ALL
    SELECT min(least(ts, from_ts)), max(greatest(ts, to_ts)) FROM event WHERE site_id = %(site_id)s
) AS x

-- name: insert_dirty_mark
-- Asks for a new computation of a half-open range.
INSERT INTO dirty_mark (site_id, from_ts, to_ts, cause) VALUES (%(site_id)s, %(from_ts)s, %(to_ts)s, %(cause)s)

-- name: timezone
-- Zone of a site's clock.
SELECT timezone FROM site WHERE site_id = %(site_id)s

-- name: setting_changes
-- Instants at which settings of assets change, or assets and series go out of force.
SELECT valid_from FROM asset_setting WHERE site_id = %(site_id)s
UNION SELECT valid_to FROM asset WHERE site_id = %(site_id)s AND valid_to IS NOT NULL
UNION SELECT valid_to FROM series WHERE site_id = %(site_id)s AND valid_to IS NOT NULL
UNION SELECT t.at FROM asset_relation AS r CROSS JOIN LATERAL (VALUES (r.valid_from), (r.valid_to)) AS t (at)
    WHERE r.site_id = %(site_id)s AND t.at IS NOT NULL
ORDER BY 1

-- name: active_series
-- Series that enter KPIs, with the ids of this database.
SELECT s.series_id, a.asset_id, a.key AS asset, s.name FROM series AS s JOIN asset AS a USING (asset_id)
WHERE s.site_id = %(site_id)s AND s.status = 'active' AND a.status = 'active' ORDER BY a.key, s.name

-- name: assets
-- Ids of the assets by key that are or were declared.
SELECT key, asset_id FROM asset WHERE site_id = %(site_id)s AND status <> 'proposed' ORDER BY key

-- name: snapshot
-- The registry in force at an instant as one JSON document (model.registry.Site).
SELECT jsonb_build_object(
    'key', s.key, 'timezone', s.timezone, 'day_start', s.day_start_local::text, 'country', s.country,
    'grid_zone', s.grid_zone, 'demand_interval_us', s.demand_interval_us, 'lateness_us', s.lateness_us,
    'factor_set', (SELECT f.key || '/' || f.version FROM factor_set AS f WHERE f.factor_set_id = %(factor_set_id)s),
    'confidence_gate', s.confidence_gate, 'holidays', (SELECT coalesce(jsonb_agg(h.local_date::text ORDER BY h.local_date), '[]')
        FROM site_holiday AS h WHERE h.site_id = s.site_id),
    'assets', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'key', a.key, 'level', a.level, 'parent', p.key, 'name', a.name, 'kind', a.kind,
        'critical', coalesce(t.critical, false), 'assume_order', coalesce(t.assume_order, true),
        'micro_stop_limit_us', coalesce(t.micro_stop_limit_us, 300000000), 'max_silence_us', t.max_silence_us,
        'state_model', coalesce(t.state_model, 'packml'), 'roll_up', coalesce(t.roll_up, 'sum'),
        'constraint_key', t.constraint_key, 'last_key', t.last_key) ORDER BY a.key), '[]')
        FROM asset AS a LEFT JOIN asset AS p ON p.asset_id = a.parent_id
        LEFT JOIN asset_setting AS t ON t.asset_id = a.asset_id AND t.valid_from <= %(at)s AND (t.valid_to IS NULL OR t.valid_to > %(at)s)
        WHERE a.site_id = s.site_id AND a.status <> 'proposed' AND (a.valid_to IS NULL OR a.valid_to > %(at)s)),
    'series', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'asset', a.key, 'name', x.name, 'quantity', x.quantity, 'kind', x.kind, 'unit', x.unit, 'qualifier', x.qualifier,
        'expected_period_us', x.expected_period_us, 'max_gap_us', x.max_gap_us, 'counter_rule', x.counter_rule,
        'counter_modulus', x.counter_modulus, 'max_rate_per_s', x.max_rate_per_s, 'interval_us', x.interval_us,
        'interval_label', x.interval_label, 'flat_limit_us', x.flat_limit_us, 'valid_low', x.valid_low,
        'valid_high', x.valid_high) ORDER BY a.key, x.name), '[]')
        FROM series AS x JOIN asset AS a USING (asset_id)
        WHERE x.site_id = s.site_id AND x.status <> 'proposed' AND (x.valid_to IS NULL OR x.valid_to > %(at)s)
            AND a.status <> 'proposed' AND (a.valid_to IS NULL OR a.valid_to > %(at)s)),
    'state_rules', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'state', m.state, 'mode', m.mode, 'time_class', m.time_class, 'asset', a.key, 'sub_class', m.sub_class,
        'needs_parts', m.needs_parts, 'reason', m.reason) ORDER BY a.key NULLS FIRST, m.state, m.mode), '[]')
        FROM state_map AS m LEFT JOIN asset AS a USING (asset_id) WHERE m.site_id = s.site_id),
    'routings', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'ideal_cycle_us', r.ideal_cycle_us, 'pieces_per_cycle', r.pieces_per_cycle, 'asset', a.key, 'product', p.key,
        'tool', r.tool, 'valid_from_us', (extract(epoch FROM r.valid_from) * 1000000)::bigint,
        'valid_to_us', (extract(epoch FROM r.valid_to) * 1000000)::bigint)
        ORDER BY a.key NULLS FIRST, p.key NULLS FIRST, r.tool, r.valid_from), '[]')
        FROM routing AS r LEFT JOIN asset AS a USING (asset_id) LEFT JOIN product AS p USING (product_id)
        WHERE r.site_id = s.site_id),
    'shifts', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'shift', c.shift, 'cycle_day', c.cycle_day, 'start', c.start_local::text, 'end', c.end_local::text, 'asset', a.key,
        'anchor_date', c.anchor_date::text, 'cycle_days', c.cycle_days, 'valid_from', c.valid_from::text,
        'valid_to', c.valid_to::text) ORDER BY a.key NULLS FIRST, c.anchor_date, c.cycle_day, c.start_local, c.shift, c.valid_from), '[]')
        FROM shift_calendar AS c LEFT JOIN asset AS a USING (asset_id) WHERE c.site_id = s.site_id),
    'exceptions', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'date', e.local_date::text, 'kind', e.kind, 'asset', a.key, 'shift', e.shift, 'start', e.start_local::text,
        'end', e.end_local::text) ORDER BY e.local_date, a.key NULLS FIRST, e.kind, e.shift), '[]')
        FROM calendar_exception AS e LEFT JOIN asset AS a USING (asset_id) WHERE e.site_id = s.site_id),
    'planned_stops', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'key', t.key, 'asset', a.key, 'reason', t.reason, 'from_us', (extract(epoch FROM t.from_ts) * 1000000)::bigint,
        'to_us', (extract(epoch FROM t.to_ts) * 1000000)::bigint, 'shift', t.shift, 'start', t.start_local::text,
        'end', t.end_local::text, 'valid_from', t.valid_from::text, 'valid_to', t.valid_to::text)
        ORDER BY a.key NULLS FIRST, t.key, t.valid_from), '[]')
        FROM planned_stop AS t LEFT JOIN asset AS a USING (asset_id) WHERE t.site_id = s.site_id),
    'jobs', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'asset', a.key, 'key', j.key, 'from_us', (extract(epoch FROM j.from_ts) * 1000000)::bigint,
        'to_us', (extract(epoch FROM j.to_ts) * 1000000)::bigint, 'product', p.key) ORDER BY a.key, j.from_ts, j.key), '[]')
        FROM job AS j JOIN asset AS a USING (asset_id) LEFT JOIN product AS p USING (product_id) WHERE j.site_id = s.site_id),
    'reasons', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'key', r.key, 'time_class', r.time_class, 'sub_class', r.sub_class, 'loss_category', r.loss_category) ORDER BY r.key), '[]')
        FROM reason AS r WHERE r.site_id = s.site_id),
    'spec_limits', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'characteristic', l.characteristic, 'product', p.key, 'lower', l.lower_limit, 'upper', l.upper_limit, 'unit', l.unit,
        'valid_from_us', (extract(epoch FROM l.valid_from) * 1000000)::bigint,
        'valid_to_us', (extract(epoch FROM l.valid_to) * 1000000)::bigint, 'asset', a.key, 'series', q.name,
        'subgroup_size', l.subgroup_size)
        ORDER BY l.characteristic, p.key NULLS FIRST, l.valid_from, a.key, q.name, l.lower_limit, l.upper_limit), '[]')
        FROM spec_limit AS l LEFT JOIN product AS p USING (product_id) LEFT JOIN series AS q USING (series_id)
        LEFT JOIN asset AS a ON a.asset_id = q.asset_id WHERE l.site_id = s.site_id),
    'emission_factors', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'zone', f.zone, 'valid_from', f.valid_from::text, 'valid_to', f.valid_to::text, 'kg_per_kwh', f.kg_per_unit,
        'status', f.status, 'source', f.source, 'basis', f.basis) ORDER BY f.zone, f.basis, f.valid_from), '[]')
        FROM emission_factor AS f WHERE f.factor_set_id = %(factor_set_id)s AND f.carrier = 'electricity' AND f.basis <> 'market'),
    'gwp_set', s.gwp_set, 'fuel_set', fuels.named,
    'fuel_factors', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'fuel', f.fuel, 'co2_kg_per_tj', f.co2_kg_per_tj, 'ch4_kg_per_tj', f.ch4_kg_per_tj, 'n2o_kg_per_tj', f.n2o_kg_per_tj,
        'ncv_tj_per_gg', f.ncv_tj_per_gg, 'density_kg_per_l', f.density_kg_per_l, 'biogenic', f.biogenic, 'source', f.source)
        ORDER BY f.fuel), '[]') FROM fuel_factor AS f WHERE f.factor_set_id = fuels.factor_set_id),
    'products', (SELECT coalesce(jsonb_agg(jsonb_build_object('key', p.key, 'mass_kg', p.mass_kg, 'name', p.name, 'unit', p.unit)
        ORDER BY p.key), '[]') FROM product AS p WHERE p.site_id = s.site_id),
    'energy_contracts', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'key', c.key, 'kind', c.kind, 'kg_per_kwh', c.kg_per_kwh, 'valid_from', c.valid_from::text, 'valid_to', c.valid_to::text,
        'amount_kwh', c.amount_kwh, 'share', c.share, 'criteria', c.criteria, 'source', c.source) ORDER BY c.key, c.valid_from), '[]')
        FROM energy_contract AS c WHERE c.site_id = s.site_id),
    'baselines', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'asset', a.key, 'kpi', b.kpi, 'driver', b.model -> 'driver', 'slope', coalesce(b.model -> 'slope', '0'), 'intercept', b.model -> 'intercept',
        'driver_from', coalesce(b.model -> 'driver_from', '0'), 'driver_to', coalesce(b.model -> 'driver_to', '0'), 'version', b.version,
        'valid_from', b.valid_from::text, 'digest', b.digest, 'r_squared', coalesce(b.model -> 'adjusted_r_squared', b.model -> 'r_squared'),
        'grain', coalesce(b.model -> 'grain', '"day"'), 'drivers', coalesce((SELECT jsonb_agg(jsonb_build_object(
            'driver', d -> 'driver', 'slope', d -> 'slope', 'driver_from', d -> 'driver_from', 'driver_to', d -> 'driver_to')
            ORDER BY n) FROM jsonb_array_elements(b.model -> 'drivers') WITH ORDINALITY AS e (d, n)), '[]')) ORDER BY a.key, b.kpi, b.version), '[]')
        FROM baseline AS b JOIN asset AS a USING (asset_id) WHERE b.site_id = s.site_id),
    'tariffs', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'key', t.key, 'valid_from', t.valid_from::text, 'periods', t.periods, 'valid_to', t.valid_to::text,
        'prices', t.prices, 'currency', t.currency, 'vat_rate', t.vat_rate, 'source', t.source, 'origin', t.origin,
        'voltage_kv', t.voltage_kv, 'subscribed_kw', t.subscribed_kw, 'demand_price', t.demand_price) ORDER BY t.valid_from, t.key), '[]')
        FROM tariff AS t WHERE t.site_id = s.site_id),
    'relations', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'from_asset', f.key, 'to_asset', o.key, 'kind', r.kind, 'share', r.share) ORDER BY f.key, o.key, r.kind), '[]')
        FROM asset_relation AS r JOIN asset AS f ON f.asset_id = r.from_asset JOIN asset AS o ON o.asset_id = r.to_asset
        WHERE r.site_id = s.site_id AND r.kind IN ('meters', 'submeter_of')
            AND r.valid_from <= %(at)s AND (r.valid_to IS NULL OR r.valid_to > %(at)s))
)
FROM site AS s LEFT JOIN LATERAL (
    SELECT f.factor_set_id, f.key || '/' || f.version AS named FROM factor_set AS f
    WHERE f.key = s.fuel_set AND (f.site_id = s.site_id OR f.site_id IS NULL)
    ORDER BY f.site_id NULLS LAST, f.version DESC LIMIT 1) AS fuels ON true
WHERE s.site_id = %(site_id)s

-- name: site_factor_set
-- Key of the factor set that a site has chosen.
SELECT factor_set FROM site WHERE site_id = %(site_id)s
