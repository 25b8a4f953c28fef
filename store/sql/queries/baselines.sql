-- Baselines: frozen fits, a new one is a new version.

-- name: insert
-- One version more of an asset's baseline; gives its number.
INSERT INTO baseline (site_id, asset_id, kpi, model, source, valid_from, version, digest, reason)
SELECT %(site_id)s, %(asset_id)s, %(kpi)s, %(model)s, %(source)s, %(valid_from)s,
       coalesce(max(version), 0) + 1, %(digest)s, %(reason)s
FROM baseline WHERE asset_id = %(asset_id)s AND kpi = %(kpi)s
RETURNING version

-- name: list
-- All versions of a site's baselines, the newest first within an asset.
SELECT a.key AS asset, b.kpi, b.version, b.valid_from, b.model, b.digest, b.reason, b.source, b.recorded_at
FROM baseline AS b JOIN asset AS a USING (asset_id) WHERE b.site_id = %(site_id)s
ORDER BY a.key, b.kpi, b.version DESC
