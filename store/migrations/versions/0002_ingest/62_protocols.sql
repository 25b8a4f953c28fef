-- More ways in which a device may speak: PackML tags, one number per topic.

ALTER TABLE device
    DROP CONSTRAINT device_protocol_check,
    ADD CONSTRAINT device_protocol_check CHECK (protocol IN ('native', 'shdr', 'mapping', 'sparkplug', 'umh', 'mtconnect_xml', 'packml', 'number'));
