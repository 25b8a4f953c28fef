-- Accounts that add up under every fault: sequence numbers as sets, marks of committed batches, replays.

ALTER TABLE rejected_message ADD COLUMN replayable boolean NOT NULL DEFAULT true;
UPDATE rejected_message SET replayable = false WHERE length(payload) <> payload_bytes;
COMMENT ON COLUMN rejected_message.digest IS 'SHA-256 over topic, a zero byte and the whole payload; before it first_at in µs and a zero byte, where that is the time of the values';
COMMENT ON COLUMN rejected_message.payload IS 'whole where replayable; else its beginning, or what was left without the names of persons';
COMMENT ON COLUMN rejected_message.replayable IS 'payload is what was sent, byte by byte';

-- A message waits for its replay once, however often somebody asks.
DELETE FROM replay_request WHERE done_at IS NULL;
CREATE UNIQUE INDEX replay_request_open ON replay_request (rejected_message_id) WHERE done_at IS NULL;
CREATE INDEX replay_request_message ON replay_request (rejected_message_id);

ALTER TABLE ledger_delta ADD COLUMN replayed bigint NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN replayed bigint NOT NULL DEFAULT 0;

-- Sequence numbers of devices as sets: a union does not care about order, repeats, or which worker saw what.
CREATE TABLE seq_delta (
    site_id   integer NOT NULL,
    device_id integer NOT NULL,
    hour      timestamptz NOT NULL,
    first_ts  timestamptz NOT NULL,
    last_ts   timestamptz NOT NULL,
    numbers   int8multirange NOT NULL
);
COMMENT ON TABLE seq_delta IS 'numbers of one device, hour of receipt and batch, written with the batch; first_ts and last_ts are the device times of the lowest and the highest';

CREATE TABLE seq_run (
    site_id   integer NOT NULL,
    device_id integer NOT NULL,
    hour      timestamptz NOT NULL,
    first_ts  timestamptz NOT NULL,
    last_ts   timestamptz NOT NULL,
    numbers   int8multirange NOT NULL,
    is_base   boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE seq_run IS 'the same, folded per device, run of the counter and hour of receipt';
COMMENT ON COLUMN seq_run.is_base IS 'only the last number of what is too old to be corrected; what is missing before it stands in the ledger';
CREATE INDEX seq_run_device ON seq_run (device_id);

-- Whether a device's counter began anew between two points in its own time: it went back after a pause, or far.
CREATE FUNCTION counter_restarted(before_n bigint, before_ts timestamptz, n bigint, ts timestamptz) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ts > before_ts AND n <= before_n
        AND (ts - before_ts > interval '1 second' OR (n <= before_n / 2 AND before_n - n > 16));

CREATE VIEW seq_epoch WITH (security_barrier) AS
WITH run AS (
    SELECT site_id, device_id, hour, first_ts, last_ts, numbers, is_base, true AS folded FROM seq_run
    UNION ALL
    SELECT d.site_id, d.device_id, d.hour, d.first_ts, d.last_ts, d.numbers, false, false
    FROM seq_delta AS d
    WHERE NOT EXISTS (SELECT FROM seq_run AS b WHERE b.device_id = d.device_id AND b.is_base AND d.first_ts < b.first_ts)
), point AS (
    SELECT site_id, device_id, first_ts AS ts, lower(numbers) AS n, hour, last_ts, numbers, is_base, folded FROM run
    UNION ALL
    SELECT site_id, device_id, last_ts, upper(numbers) - 1, NULL, NULL, NULL, NULL, NULL FROM run
), step AS (
    SELECT point.*, lag(n) OVER w AS before_n, lag(ts) OVER w AS before_ts
    FROM point WINDOW w AS (PARTITION BY site_id, device_id ORDER BY ts, n)
), epoch AS (
    SELECT step.*, count(*) FILTER (WHERE counter_restarted(before_n, before_ts, n, ts))
                   OVER (PARTITION BY site_id, device_id ORDER BY ts, n) AS epoch
    FROM step
)
SELECT site_id, device_id, epoch, hour, ts AS first_ts, last_ts, numbers, is_base, folded
FROM epoch WHERE numbers IS NOT NULL;
COMMENT ON VIEW seq_epoch IS 'numbers of each device with the run of its counter that they belong to';

CREATE VIEW seq_gap WITH (security_barrier) AS
SELECT site_id, device_id, epoch, hour, n, missing
FROM (
    SELECT site_id, device_id, epoch, hour, lower(part) AS n,
           lower(part) - max(upper(part)) OVER (PARTITION BY site_id, device_id, epoch ORDER BY lower(part), hour, upper(part)
                                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS missing
    FROM seq_epoch CROSS JOIN LATERAL unnest(numbers) AS part
) AS parts
WHERE missing > 0;
COMMENT ON VIEW seq_gap IS 'numbers missing before n, in the hour in which n was received';

CREATE OR REPLACE VIEW ledger_now WITH (security_barrier) AS
SELECT hour, site_id, device_id,
       sum(received)::bigint AS received, sum(processed)::bigint AS processed, sum(rejected)::bigint AS rejected,
       sum(redelivered)::bigint AS redelivered, sum(decoded)::bigint AS decoded, sum(stored)::bigint AS stored,
       sum(duplicate)::bigint AS duplicate, sum(conflict)::bigint AS conflict,
       sum(rejected_value)::bigint AS rejected_value, sum(ignored)::bigint AS ignored,
       sum(missing_seq)::bigint AS missing_seq,
       array_remove(ARRAY[sum(latency_ms[1]), sum(latency_ms[2]), sum(latency_ms[3]), sum(latency_ms[4]), sum(latency_ms[5]), sum(latency_ms[6]),
             sum(latency_ms[7]), sum(latency_ms[8]), sum(latency_ms[9]), sum(latency_ms[10]), sum(latency_ms[11]), sum(latency_ms[12]),
             sum(latency_ms[13]), sum(latency_ms[14]), sum(latency_ms[15]), sum(latency_ms[16])]::bigint[], NULL) AS latency_ms,
       array_remove(ARRAY[sum(skew_ms[1]), sum(skew_ms[2]), sum(skew_ms[3]), sum(skew_ms[4]), sum(skew_ms[5]), sum(skew_ms[6]),
             sum(skew_ms[7]), sum(skew_ms[8]), sum(skew_ms[9]), sum(skew_ms[10]), sum(skew_ms[11]), sum(skew_ms[12]),
             sum(skew_ms[13]), sum(skew_ms[14]), sum(skew_ms[15]), sum(skew_ms[16])]::bigint[], NULL) AS skew_ms,
       sum(replayed)::bigint AS replayed
FROM (
    SELECT hour, site_id, device_id, received, processed, rejected, redelivered, decoded, stored, duplicate, conflict,
           rejected_value, ignored, missing_seq, latency_ms, skew_ms, replayed FROM ledger
    UNION ALL
    SELECT hour, site_id, device_id, received, processed, rejected, redelivered, decoded, stored, duplicate, conflict,
           rejected_value, ignored, missing_seq, latency_ms, skew_ms, replayed FROM ledger_delta
    UNION ALL
    SELECT hour, site_id, device_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, missing, '{}'::bigint[], '{}'::bigint[], 0 FROM seq_gap
) AS all_parts
GROUP BY hour, site_id, device_id;

-- Moves the deltas seen now into the ledger, exactly once, in the caller's transaction.
CREATE OR REPLACE FUNCTION fold_ledger() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    folded bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('haidang.fold_ledger')) THEN
        RETURN 0; -- somebody else is at it
    END IF;
    PERFORM fold_seq();
    WITH taken AS (
        DELETE FROM ledger_delta RETURNING *
    ), summed AS (
        INSERT INTO ledger AS l (hour, site_id, device_id, received, processed, rejected, redelivered, decoded, stored,
                                 duplicate, conflict, rejected_value, ignored, missing_seq, latency_ms, skew_ms, replayed)
        SELECT hour, site_id, device_id, sum(received), sum(processed), sum(rejected), sum(redelivered), sum(decoded),
               sum(stored), sum(duplicate), sum(conflict), sum(rejected_value), sum(ignored), sum(missing_seq),
               array_remove(ARRAY[sum(latency_ms[1]), sum(latency_ms[2]), sum(latency_ms[3]), sum(latency_ms[4]), sum(latency_ms[5]), sum(latency_ms[6]),
                     sum(latency_ms[7]), sum(latency_ms[8]), sum(latency_ms[9]), sum(latency_ms[10]), sum(latency_ms[11]), sum(latency_ms[12]),
                     sum(latency_ms[13]), sum(latency_ms[14]), sum(latency_ms[15]), sum(latency_ms[16])]::bigint[], NULL),
               array_remove(ARRAY[sum(skew_ms[1]), sum(skew_ms[2]), sum(skew_ms[3]), sum(skew_ms[4]), sum(skew_ms[5]), sum(skew_ms[6]),
                     sum(skew_ms[7]), sum(skew_ms[8]), sum(skew_ms[9]), sum(skew_ms[10]), sum(skew_ms[11]), sum(skew_ms[12]),
                     sum(skew_ms[13]), sum(skew_ms[14]), sum(skew_ms[15]), sum(skew_ms[16])]::bigint[], NULL),
               sum(replayed)
        FROM taken GROUP BY hour, site_id, device_id
        ON CONFLICT (site_id, device_id, hour) DO UPDATE SET
            received = l.received + excluded.received, processed = l.processed + excluded.processed,
            rejected = l.rejected + excluded.rejected, redelivered = l.redelivered + excluded.redelivered,
            decoded = l.decoded + excluded.decoded, stored = l.stored + excluded.stored,
            duplicate = l.duplicate + excluded.duplicate, conflict = l.conflict + excluded.conflict,
            rejected_value = l.rejected_value + excluded.rejected_value, ignored = l.ignored + excluded.ignored,
            missing_seq = l.missing_seq + excluded.missing_seq,
            latency_ms = add_histograms(l.latency_ms, excluded.latency_ms),
            skew_ms = add_histograms(l.skew_ms, excluded.skew_ms),
            replayed = l.replayed + excluded.replayed
    )
    SELECT count(*) INTO folded FROM taken;
    RETURN folded;
END
$$;

-- Joins the numbers of each device per run of its counter and hour. What was received more than 48 hours before the
-- newest is closed: its gaps go to the ledger and cannot be filled any more. Called by fold_ledger() under its lock.
CREATE FUNCTION fold_seq() RETURNS void
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    WITH now_ AS MATERIALIZED (
        SELECT * FROM seq_epoch WHERE device_id IN (SELECT device_id FROM seq_delta)
    ), gone AS (
        DELETE FROM seq_delta
    ), gone_runs AS (
        DELETE FROM seq_run WHERE device_id IN (SELECT device_id FROM now_)
    )
    INSERT INTO seq_run (site_id, device_id, hour, first_ts, last_ts, numbers, is_base)
    SELECT site_id, device_id, hour, min(first_ts), max(last_ts), range_agg(numbers), is_base
    FROM now_ GROUP BY site_id, device_id, epoch, hour, is_base;

    WITH now_ AS MATERIALIZED (
        SELECT * FROM seq_epoch
    ), closed AS (
        SELECT device_id, max(hour) - interval '48 hours' AS hour FROM now_ GROUP BY device_id
    ), base AS (
        SELECT DISTINCT ON (n.device_id) n.site_id, n.device_id, n.epoch, n.hour, n.last_ts, upper(n.numbers) - 1 AS last_n
        FROM now_ AS n JOIN closed AS c ON c.device_id = n.device_id AND n.hour < c.hour
        WHERE n.folded AND NOT n.is_base
        ORDER BY n.device_id, n.epoch DESC, n.last_ts DESC
    ), counted AS (
        INSERT INTO ledger_delta (hour, site_id, device_id, missing_seq)
        SELECT g.hour, g.site_id, g.device_id, sum(g.missing)
        FROM seq_gap AS g JOIN base AS b ON b.device_id = g.device_id AND (g.epoch, g.n) <= (b.epoch, b.last_n)
        GROUP BY g.hour, g.site_id, g.device_id
    ), gone AS (
        DELETE FROM seq_run WHERE device_id IN (SELECT device_id FROM base)
    )
    INSERT INTO seq_run (site_id, device_id, hour, first_ts, last_ts, numbers, is_base)
    SELECT site_id, device_id, hour, last_ts, last_ts, int8multirange(int8range(last_n, last_n, '[]')), true FROM base
    UNION ALL
    SELECT k.site_id, k.device_id, k.hour, k.first_ts, k.last_ts, k.numbers, false
    FROM (SELECT n.site_id, n.device_id, n.hour, greatest(n.first_ts, CASE WHEN n.epoch = b.epoch THEN b.last_ts END) AS first_ts,
                 n.last_ts,
                 CASE WHEN n.epoch = b.epoch THEN n.numbers - int8multirange(int8range(NULL, b.last_n, '(]'))
                      ELSE n.numbers END AS numbers
          FROM now_ AS n JOIN base AS b ON b.device_id = n.device_id AND n.epoch >= b.epoch
          WHERE n.folded AND NOT n.is_base) AS k
    WHERE NOT isempty(k.numbers);
END
$$;

-- What each writer stored last: tells after a lost connection whether the batch in doubt is stored.
CREATE TABLE batch_mark (
    writer uuid PRIMARY KEY,
    number bigint NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE batch_mark IS 'number of the last batch that each running writer committed, written with the batch';
