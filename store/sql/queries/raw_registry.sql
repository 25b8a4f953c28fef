-- The registry as ingest reads it and adds to it, many rows in a statement. Written for the rights of haidang_ingest.

-- name: sites
-- Every site with the key of its pseudonyms and its quotas.
SELECT site_id, key, person_key, most_series, most_values_per_s FROM site

-- name: find_places
-- Asset and device of each place that is asked for, null where there is none.
SELECT a.asset_id, d.device_id
FROM unnest(%(site_id)s::integer[], %(asset)s::text[], %(device)s::text[]) WITH ORDINALITY AS g (site_id, asset, device, ord)
LEFT JOIN asset AS a ON a.site_id = g.site_id AND a.key = g.asset
LEFT JOIN device AS d ON d.site_id = g.site_id AND d.key = g.device
ORDER BY g.ord

-- name: lock_sites
-- One worker at a time registers what is new at a site; released at the end of the transaction. Sites in order of id.
SELECT pg_advisory_xact_lock(hashtext('haidang.register'), id) FROM unnest(%(site_id)s::integer[]) AS g (id)

-- name: missing_assets
-- Those paths that no asset has.
SELECT g.site_id, g.key
FROM unnest(%(site_id)s::integer[], %(key)s::text[]) AS g (site_id, key)
WHERE NOT EXISTS (SELECT FROM asset AS a WHERE a.site_id = g.site_id AND a.key = g.key)

-- name: add_assets
-- Propose assets of one level where none is known at the path; their parents are there.
INSERT INTO asset (site_id, key, parent_id, level, name, status)
SELECT g.site_id, g.key, p.asset_id, %(level)s, g.name, 'proposed'
FROM unnest(%(site_id)s::integer[], %(key)s::text[], %(parent)s::text[], %(name)s::text[]) AS g (site_id, key, parent, name)
LEFT JOIN asset AS p ON p.site_id = g.site_id AND p.key = g.parent
ORDER BY g.site_id, g.key
ON CONFLICT (site_id, key) DO NOTHING

-- name: count_devices
-- Devices of sites.
SELECT site_id, count(*)::integer FROM device WHERE site_id = ANY (%(site_id)s) GROUP BY site_id

-- name: add_devices
-- Register devices at their first message.
INSERT INTO device (site_id, asset_id, key, protocol, first_seen, last_seen)
SELECT g.site_id, a.asset_id, g.device, g.protocol, g.seen, g.seen
FROM unnest(%(site_id)s::integer[], %(asset)s::text[], %(device)s::text[], %(protocol)s::text[], %(seen)s::timestamptz[])
    AS g (site_id, asset, device, protocol, seen)
JOIN asset AS a ON a.site_id = g.site_id AND a.key = g.asset
ORDER BY g.site_id, g.device
ON CONFLICT (site_id, key) DO NOTHING

-- name: find_series
-- Those series of an asset and name that are registered.
SELECT s.asset_id, s.name, s.series_id, s.quantity, s.unit, s.kind, s.interval_us, s.interval_label
FROM unnest(%(asset_id)s::integer[], %(name)s::text[]) AS g (asset_id, name)
JOIN series AS s ON s.asset_id = g.asset_id AND s.name = g.name

-- name: series_keys
-- Asset and name of series by id; those that are gone are left out.
SELECT series_id, asset_id, name FROM series WHERE series_id = ANY (%(series_id)s)

-- name: count_series_of_assets
-- Series of assets.
SELECT asset_id, count(*)::integer FROM series WHERE asset_id = ANY (%(asset_id)s) GROUP BY asset_id

-- name: count_series_of_sites
-- Series of sites.
SELECT site_id, count(*)::integer FROM series WHERE site_id = ANY (%(site_id)s) GROUP BY site_id

-- name: add_series
-- Propose series at their first value.
INSERT INTO series (site_id, asset_id, device_id, name, quantity, qualifier, unit, kind, interval_us, interval_label)
SELECT * FROM unnest(%(site_id)s::integer[], %(asset_id)s::integer[], %(device_id)s::integer[], %(name)s::text[],
                     %(quantity)s::text[], %(qualifier)s::text[], %(unit)s::text[], %(kind)s::text[],
                     %(interval_us)s::bigint[], %(interval_label)s::text[])
    AS g (site_id, asset_id, device_id, name, quantity, qualifier, unit, kind, interval_us, interval_label)
ORDER BY asset_id, name
ON CONFLICT (asset_id, name) DO NOTHING

-- name: known_symbols
-- Those numbers that have their text.
SELECT symbol_id FROM symbol WHERE symbol_id = ANY (%(symbol_id)s)

-- name: count_symbols
-- How many texts each of these series brought.
SELECT brought_by, count(*)::integer FROM symbol WHERE brought_by = ANY (%(series_id)s) GROUP BY brought_by

-- name: add_symbols
-- Give state texts their numbers.
INSERT INTO symbol (symbol_id, text, brought_by)
SELECT * FROM unnest(%(symbol_id)s::bigint[], %(text)s::text[], %(series_id)s::integer[]) AS g (symbol_id, text, series_id)
ORDER BY symbol_id
ON CONFLICT DO NOTHING

-- name: position
-- What is committed now: where a reader of changes begins.
SELECT pg_current_snapshot()::text

-- name: changes
-- What was committed since a position, and the new one; one row of nulls where nothing was. A number that is still to
-- come stands in a row that was restored from a copy of another server: it is no news.
SELECT pg_current_snapshot()::text, c.kind, c.id
FROM (SELECT 1) AS always
LEFT JOIN (
    SELECT DISTINCT kind, id FROM registry_change
    WHERE xid >= pg_snapshot_xmin(%(position)s::pg_snapshot) AND xid < pg_snapshot_xmax(pg_current_snapshot())
      AND NOT pg_visible_in_snapshot(xid, %(position)s::pg_snapshot)
) AS c ON true

-- name: forget_changes
-- Every reader has seen what is a day old, or reads everything anew.
DELETE FROM registry_change WHERE at < now() - interval '1 day'

-- name: reading_days
-- Days that readings have a place for, as days since 1970; those that were opened a moment ago among them.
SELECT day - date '1970-01-01' FROM reading_days() AS day
UNION
SELECT day - date '1970-01-01' FROM opened_day

-- name: opened_days
-- How many days each device opened in each hour (since 1970) of the last two.
SELECT device_id, floor(extract(epoch FROM at) / 3600)::integer, count(*)::integer
FROM opened_day WHERE at >= %(since)s GROUP BY 1, 2

-- name: note_opened_days
-- A device brought days that had no place before.
INSERT INTO opened_day (day, site_id, device_id, at)
SELECT date '1970-01-01' + g.day, d.site_id, g.device_id, %(at)s
FROM unnest(%(day)s::integer[], %(device_id)s::integer[]) AS g (day, device_id)
LEFT JOIN device AS d ON d.device_id = g.device_id
ORDER BY g.day, g.device_id
ON CONFLICT DO NOTHING

-- name: forget_opened_days
-- Only this hour and the one before are counted.
DELETE FROM opened_day WHERE at < %(before)s
