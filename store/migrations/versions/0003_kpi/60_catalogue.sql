-- Rules by which a line stands for its units: besides sum and constraint the last unit's counts, and parallel machines.
ALTER TABLE asset_setting DROP CONSTRAINT asset_setting_roll_up_check;
ALTER TABLE asset_setting
    ADD CONSTRAINT asset_setting_roll_up_check CHECK (roll_up IN ('sum', 'constraint', 'last', 'parallel')),
    ADD COLUMN last_key text,
    ADD CONSTRAINT asset_setting_last CHECK (roll_up <> 'last' OR last_key IS NOT NULL);

-- Media other than electricity and fuels: compressed air, steam, heat, cooling, and energy exchanged with the outside.
ALTER TABLE business_record DROP CONSTRAINT business_record_kind_check;
ALTER TABLE business_record ADD CONSTRAINT business_record_kind_check CHECK (kind IN ('order', 'maintenance', 'inspection',
    'attendance', 'inventory', 'problem', 'fuel', 'refrigerant', 'energy', 'precursor'));
