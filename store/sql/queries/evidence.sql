-- name: lock_log
-- One writer at a time: places are given without gaps.
SELECT pg_advisory_xact_lock(7203617)

-- name: log_size
-- Number of records.
SELECT evidence_size()

-- name: log_bytes
-- Bytes of the texts of all records, and bytes on disk with indexes.
SELECT coalesce(sum(octet_length(record)), 0)::bigint, pg_total_relation_size('evidence_log') FROM evidence_log

-- name: last_checkpoint
-- The newest checkpoint.
SELECT tree_size, origin, root, created_at FROM checkpoint ORDER BY tree_size DESC LIMIT 1

-- name: checkpoints
-- All checkpoints with their signature lines and the keys of these, oldest first.
SELECT c.tree_size, c.origin, c.root, c.created_at,
       coalesce(array_agg(s.line ORDER BY s.at, s.key) FILTER (WHERE s.key IS NOT NULL), '{}'),
       coalesce(array_agg(s.key ORDER BY s.at, s.key) FILTER (WHERE s.key IS NOT NULL), '{}')
FROM checkpoint c LEFT JOIN checkpoint_signature s USING (tree_size)
GROUP BY c.tree_size ORDER BY c.tree_size

-- name: insert_checkpoint
-- A checkpoint; it is never changed.
INSERT INTO checkpoint (tree_size, origin, root) VALUES (%(tree_size)s, %(origin)s, %(root)s)

-- name: insert_signature
-- A signature over a checkpoint, once per key.
INSERT INTO checkpoint_signature (tree_size, key, line) VALUES (%(tree_size)s, %(key)s, %(line)s) ON CONFLICT DO NOTHING

-- name: leaf_hashes
-- Leaf hashes from a place on, in order.
SELECT evidence_leaves(%(first)s)

-- name: entries_from
-- Records in order with what they are filed under, some at a time.
SELECT e.seq, e.leaf_hash, e.record, e.kind, e.object, s.key
FROM evidence_log e LEFT JOIN site s USING (site_id) WHERE e.seq >= %(seq)s ORDER BY e.seq LIMIT %(limit)s

-- name: records_of_kind
-- All records of a kind that belong to no site (keys), oldest first.
SELECT seq, record FROM evidence_log WHERE kind = %(kind)s AND site_id IS NULL ORDER BY seq

-- name: page_of_site
-- Records of a site, newest first.
SELECT seq, kind, object, record, encode(leaf_hash, 'hex') AS leaf_hash, recorded_at FROM evidence_log
WHERE site_id = %(site_id)s AND (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(before)s::bigint IS NULL OR seq < %(before)s)
ORDER BY seq DESC LIMIT %(limit)s

-- name: record
-- One record that this connection may see, with its site.
SELECT e.seq, s.key AS site, e.kind, e.object, e.record, encode(e.leaf_hash, 'hex') AS leaf_hash, e.recorded_at
FROM evidence_log e JOIN site s USING (site_id) WHERE e.seq = %(seq)s

-- name: newest_checkpoint
-- The newest checkpoint with its signature lines.
SELECT c.tree_size, c.origin, c.root, c.created_at,
       coalesce(array_agg(s.line ORDER BY s.at, s.key) FILTER (WHERE s.key IS NOT NULL), '{}')
FROM checkpoint c LEFT JOIN checkpoint_signature s USING (tree_size)
GROUP BY c.tree_size ORDER BY c.tree_size DESC LIMIT 1

-- name: newest_records
-- The newest record of each of these objects.
SELECT DISTINCT ON (object) object, record FROM evidence_log
WHERE site_id = %(site_id)s AND object = ANY (%(objects)s)
ORDER BY object, seq DESC

-- name: due_days
-- Production days that may have something to enter, oldest first, with the newest note of each.
SELECT d.site_id, s.key, d.production_day, max(d.evidence_due_id) FROM evidence_due d JOIN site s USING (site_id)
WHERE s.origin = 'local'
GROUP BY 1, 2, 3 ORDER BY 3, 2 LIMIT %(limit)s

-- name: delete_due
-- What was entered is no longer due; what was noted meanwhile is.
DELETE FROM evidence_due
WHERE site_id = %(site_id)s AND production_day = %(day)s AND evidence_due_id <= %(up_to)s

-- name: final_values
-- Final values whose windows begin on a production day, in no order: sorting texts here costs more than all the rest.
SELECT a.key AS scope, k.grain, k.window_start, k.shift, k.job, k.product, k.window_end, k.computed_at,
       k.cause, k.completeness, k.config_digest, k.coverage, k.definition_version, k.denominator, k.factor_set, k.flags,
       k.inputs_digest, k.kpi, k.numerator, k.revision, k.status, k.value, k.variant
FROM kpi_value k JOIN asset a USING (asset_id)
WHERE k.site_id = %(site_id)s AND k.production_day = %(day)s AND k.superseded_at IS NULL AND k.is_final

-- name: raw_digests
-- Digests of the raw rows of a production day.
SELECT series_key, from_ts, to_ts, rows, sha256 FROM raw_day_digest
WHERE site_id = %(site_id)s AND production_day = %(day)s AND superseded_at IS NULL
ORDER BY series_key

-- name: insert_records
-- Records at their places, column by column, in the binary format: texts are not escaped one character at a time.
INSERT INTO evidence_log (seq, site_id, kind, object, leaf_hash, record)
SELECT * FROM unnest(%(seq)b::bigint[], %(site_id)b::integer[], %(kind)b::text[], %(object)b::text[],
                     %(leaf_hash)b::bytea[], %(record)b::text[])
