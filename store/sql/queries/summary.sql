-- What the chain has done so far, for the summary of a run.

-- name: summary_received
-- Messages accounted for.
SELECT coalesce(sum(received), 0) FROM ledger_now

-- name: summary_accounts
-- Both accounts over everything.
SELECT coalesce(sum(received), 0), coalesce(sum(rejected), 0), coalesce(sum(decoded), 0), coalesce(sum(stored), 0),
       coalesce(sum(duplicate), 0), coalesce(sum(conflict), 0), coalesce(sum(rejected_value), 0)
FROM ledger_now

-- name: summary_values
-- Current KPI values of a site, and how many are final.
SELECT count(*), count(*) FILTER (WHERE is_final) FROM kpi_value JOIN site USING (site_id)
WHERE site.key = %(site)s AND superseded_at IS NULL

-- name: summary_lines
-- The newest production day with an OEE of every line and the factors that multiply to it, with energy and CO2e of the same day.
SELECT a.key, d.day::text, v.oee, v.availability, v.effectiveness, v.quality, v.energy, v.co2e
FROM asset AS a JOIN site AS s USING (site_id)
LEFT JOIN LATERAL (
    SELECT max(production_day) AS day FROM kpi_value AS k
    WHERE k.asset_id = a.asset_id AND k.kpi = 'oee' AND k.grain = 'day' AND k.value IS NOT NULL AND k.superseded_at IS NULL
) AS d ON true
LEFT JOIN LATERAL (
    SELECT max(value) FILTER (WHERE kpi = 'oee') AS oee,
           max(value) FILTER (WHERE kpi = 'oee_availability') AS availability,
           max(value) FILTER (WHERE kpi = 'effectiveness') AS effectiveness,
           max(value) FILTER (WHERE kpi = 'quality_ratio') AS quality,
           max(value) FILTER (WHERE kpi = 'energy') AS energy, max(value) FILTER (WHERE kpi = 'co2e_location') AS co2e
    FROM kpi_value AS k
    WHERE k.asset_id = a.asset_id AND k.grain = 'day' AND k.production_day = d.day AND k.variant = '' AND k.superseded_at IS NULL
) AS v ON true
WHERE s.key = %(site)s AND a.level = 'line' ORDER BY a.key
