-- What the ingest benchmark prepares and counts.

-- name: add_site
-- The site of the benchmark.
INSERT INTO site (key, name, timezone) VALUES (%(key)s, 'Benchmark', 'Asia/Ho_Chi_Minh') ON CONFLICT DO NOTHING

-- name: empty
-- Make room for the next run.
TRUNCATE reading, ledger_delta, ledger, dirty_mark

-- name: stored
-- Readings that are there.
SELECT count(*) FROM reading

-- name: processed
-- Messages that are accounted for.
SELECT coalesce(sum(received), 0)::bigint FROM ledger_delta
