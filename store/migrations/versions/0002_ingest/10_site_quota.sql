-- What one site may send, so that it cannot take the room of the others.

ALTER TABLE site
    ADD COLUMN most_series integer CHECK (most_series > 0),
    ADD COLUMN most_values_per_s integer CHECK (most_values_per_s > 0);
COMMENT ON COLUMN site.most_series IS 'quota of registered series, null = none set';
COMMENT ON COLUMN site.most_values_per_s IS 'quota of values in a second, averaged over a minute, null = none set';
