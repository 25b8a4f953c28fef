-- Fuels and refrigerants come as business records, which keep every statement; the table fuel_use was never filled.
ALTER TABLE business_record DROP CONSTRAINT business_record_kind_check;
ALTER TABLE business_record ADD CONSTRAINT business_record_kind_check CHECK (kind IN ('order', 'maintenance', 'inspection',
    'attendance', 'inventory', 'problem', 'fuel', 'refrigerant'));
DROP TABLE fuel_use;

ALTER TABLE site ADD COLUMN gwp_set text NOT NULL DEFAULT 'AR5' CHECK (gwp_set IN ('AR4', 'AR5', 'AR6')),
    ADD COLUMN fuel_set text NOT NULL DEFAULT 'ipcc-2006';
COMMENT ON COLUMN site.gwp_set IS 'assessment report of the IPCC whose warming potentials are used for all gases';
COMMENT ON COLUMN site.fuel_set IS 'key of the factor set that the fuels are in';
GRANT SELECT (gwp_set, fuel_set) ON site TO haidang_kpi, haidang_api, haidang_grafana;

ALTER TABLE energy_contract ALTER COLUMN valid_from TYPE date, ALTER COLUMN valid_to TYPE date,
    ALTER COLUMN kg_per_kwh SET NOT NULL,
    ADD COLUMN share double precision CHECK (share > 0 AND share <= 1),
    ADD COLUMN criteria text[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT energy_contract_covers CHECK ((amount_kwh IS NULL) <> (share IS NULL)),
    ADD CONSTRAINT energy_contract_period CHECK (valid_to > valid_from AND (share IS NOT NULL OR valid_to IS NOT NULL));
COMMENT ON COLUMN energy_contract.criteria IS 'quality criteria that it meets; one that misses any is not used';

ALTER TABLE baseline ALTER COLUMN asset_id SET NOT NULL,
    ALTER COLUMN valid_from TYPE date, ALTER COLUMN valid_to TYPE date,
    ADD COLUMN version integer NOT NULL CHECK (version > 0),
    ADD COLUMN digest text NOT NULL,
    ADD COLUMN reason text NOT NULL,
    ADD CONSTRAINT baseline_version UNIQUE (asset_id, kpi, version);
COMMENT ON TABLE baseline IS 'append-only: a new fit is a new version, in force from its date';
COMMENT ON COLUMN baseline.digest IS 'SHA-256 of the model as canonical JSON';
COMMENT ON COLUMN baseline.reason IS 'the documented change of static factors that asked for a new fit';

CREATE TABLE fuel_factor (
    factor_set_id  integer NOT NULL REFERENCES factor_set,
    fuel           text NOT NULL,
    co2_kg_per_tj  double precision NOT NULL CHECK (co2_kg_per_tj >= 0),
    ch4_kg_per_tj  double precision NOT NULL CHECK (ch4_kg_per_tj >= 0),
    n2o_kg_per_tj  double precision NOT NULL CHECK (n2o_kg_per_tj >= 0),
    ncv_tj_per_gg  double precision CHECK (ncv_tj_per_gg > 0),
    density_kg_per_l double precision CHECK (density_kg_per_l > 0),
    biogenic       boolean NOT NULL DEFAULT false,
    source         text NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (factor_set_id, fuel)
);
COMMENT ON TABLE fuel_factor IS 'per TJ on net calorific value; no calorific value or density = each record states its own';
GRANT SELECT ON fuel_factor TO haidang_kpi, haidang_api;
