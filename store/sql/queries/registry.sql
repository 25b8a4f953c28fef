-- Reading and writing the registry.

-- name: insert_factor_set
-- A new set or nothing where that version is known; returns its id when it is new.
INSERT INTO factor_set (site_id, key, version, name, source)
VALUES (%(site_id)s, %(key)s, %(version)s, %(name)s, %(source)s)
ON CONFLICT (site_id, key, version) DO NOTHING
RETURNING factor_set_id

-- name: insert_emission_factor
-- One dated factor of a set.
INSERT INTO emission_factor (factor_set_id, zone, valid_from, valid_to, kg_per_unit, status, origin, source)
VALUES (%(factor_set_id)s, %(zone)s, %(valid_from)s, %(valid_to)s, %(kg_per_kwh)s, %(status)s, %(origin)s, %(source)s)
ON CONFLICT DO NOTHING
