-- Sparkplug nodes and devices as they were after the last stored batch. Written for the rights of haidang_ingest.

-- name: nodes
-- Every node.
SELECT group_key, node_key, bd_seq, seq, newest_at FROM sparkplug_node

-- name: devices
-- Every device with its last births.
SELECT group_key, node_key, device_key, life, born_at, died_at, births::text FROM sparkplug_device

-- name: keep_node
-- A node as it is now; who empties the session of another layout knows less than who works for the node by now.
INSERT INTO sparkplug_node (group_key, node_key, site_id, bd_seq, seq, newest_at)
VALUES (%(group)s, %(node)s, %(site_id)s, %(bd_seq)s, %(seq)s, %(newest_at)s)
ON CONFLICT (group_key, node_key) DO UPDATE SET
    site_id = excluded.site_id, bd_seq = excluded.bd_seq, seq = excluded.seq, newest_at = excluded.newest_at
WHERE sparkplug_node.newest_at IS NULL OR excluded.newest_at >= sparkplug_node.newest_at

-- name: keep_device
-- A device as its last birth or death left it, unless a later one is known.
INSERT INTO sparkplug_device (group_key, node_key, device_key, site_id, life, born_at, died_at, births)
VALUES (%(group)s, %(node)s, %(device)s, %(site_id)s, %(life)s, %(born_at)s, %(died_at)s, %(births)s::jsonb)
ON CONFLICT (group_key, node_key, device_key) DO UPDATE SET
    site_id = excluded.site_id, life = excluded.life, born_at = excluded.born_at, died_at = excluded.died_at,
    births = excluded.births
WHERE greatest(excluded.born_at, excluded.died_at) >= greatest(sparkplug_device.born_at, sparkplug_device.died_at)
   OR greatest(sparkplug_device.born_at, sparkplug_device.died_at) IS NULL
