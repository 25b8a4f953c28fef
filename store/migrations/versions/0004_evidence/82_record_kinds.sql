-- Kinds of business records are listed in one place, model/record_sets.py; the database asks for their form only.
ALTER TABLE business_record DROP CONSTRAINT business_record_kind_check;
ALTER TABLE business_record ADD CONSTRAINT business_record_kind_check CHECK (kind ~ '^[a-z][a-z_]{0,39}$');
