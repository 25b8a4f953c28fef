-- Emission factors of fuels.

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
