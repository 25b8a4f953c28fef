-- Registry columns of KPIs: states that say that nothing is scheduled (SEMI E10), price of demand, limits of series.

ALTER TABLE state_map DROP CONSTRAINT state_map_time_class_check;
ALTER TABLE state_map ADD CONSTRAINT state_map_time_class_check CHECK (time_class IN ('production', 'setup', 'delay',
    'down_no_order', 'planned_down', 'not_scheduled', 'unknown'));

ALTER TABLE tariff ADD COLUMN demand_price double precision CHECK (demand_price >= 0);
COMMENT ON COLUMN tariff.demand_price IS 'of a two-part tariff: per kW of the highest demand of a month, without VAT; null = none';

ALTER TABLE spec_limit ADD COLUMN subgroup_size integer CHECK (subgroup_size >= 2);
COMMENT ON COLUMN spec_limit.series_id IS 'the limits are of the readings of this series; null = of the values of inspection records';
COMMENT ON COLUMN spec_limit.subgroup_size IS 'readings that make a subgroup, one after the other; null = the product''s default';

COMMENT ON COLUMN atom.hour IS 'start of the hour of the site''s clock that holds the piece';
