-- What Sparkplug nodes said of themselves, as of the last batch that was stored: what aliases mean, where the sequence
-- of numbers stands. Written in the transaction of the batch, read when a worker starts or starts anew.
CREATE TABLE sparkplug_node (
    group_key text NOT NULL,
    node_key  text NOT NULL,
    site_id   integer NOT NULL REFERENCES site,
    bd_seq    integer NOT NULL,
    seq       smallint NOT NULL CHECK (seq >= -1 AND seq < 256),
    newest_at timestamptz,
    PRIMARY KEY (group_key, node_key)
) WITH (fillfactor = 70);
COMMENT ON COLUMN sparkplug_node.bd_seq IS 'number of the session that the last birth began, -1 = none seen';
COMMENT ON COLUMN sparkplug_node.seq IS 'number of the last message, -1 = none seen';
COMMENT ON COLUMN sparkplug_node.newest_at IS 'time of the newest payload, as the node has it but not later than its receipt';

CREATE TABLE sparkplug_device (
    group_key  text NOT NULL,
    node_key   text NOT NULL,
    device_key text NOT NULL,
    site_id    integer NOT NULL REFERENCES site,
    life       smallint NOT NULL CHECK (life IN (0, 1, 2)),
    born_at    timestamptz,
    died_at    timestamptz,
    births     jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (group_key, node_key, device_key)
);
COMMENT ON COLUMN sparkplug_device.device_key IS 'empty = the node itself';
COMMENT ON COLUMN sparkplug_device.life IS '0 = dead, 1 = its birth is awaited, 2 = born';
COMMENT ON COLUMN sparkplug_device.births IS
    'the last ones, newest first: [from µs, until µs or 0, [[name, alias or null, datatype, unit or null], ...]] each';

GRANT SELECT, INSERT, UPDATE ON sparkplug_node, sparkplug_device TO haidang_ingest;
