-- What a site pays for electricity: the voltage of its supply picks the row of a price list, the subscribed power decides
-- about the surcharge for a poor power factor.
ALTER TABLE tariff ADD COLUMN voltage_kv double precision CHECK (voltage_kv > 0);
ALTER TABLE tariff ADD COLUMN subscribed_kw double precision CHECK (subscribed_kw > 0);

-- A cost without a price in force has no value, and says so.
ALTER TABLE kpi_value DROP CONSTRAINT kpi_value_status_check;
ALTER TABLE kpi_value ADD CONSTRAINT kpi_value_status_check
    CHECK (status IN ('provisional', 'final', 'low_confidence', 'no_factor', 'no_tariff', 'no_ideal_cycle', 'no_data'));
COMMENT ON COLUMN kpi_value.factor_set IS 'set of emission factors, or tariffs, that the value was made with';
