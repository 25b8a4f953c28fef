-- A span reads the records that end in it, not all that a site has.
CREATE INDEX business_record_end ON business_record (site_id, to_ts);
