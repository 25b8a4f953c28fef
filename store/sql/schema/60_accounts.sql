-- Who may touch the accounts of ingest and ask for replays, beyond what 50_roles grants.

REVOKE ALL ON FUNCTION fold_seq() FROM PUBLIC;
GRANT INSERT ON seq_delta TO haidang_ingest;
GRANT SELECT, INSERT, DELETE ON batch_mark TO haidang_ingest;
GRANT UPDATE (number, at) ON batch_mark TO haidang_ingest;
GRANT UPDATE (site_id, device_id, reason, detail, whole) ON rejected_message TO haidang_ingest;
GRANT UPDATE (status) ON rejected_message TO haidang_api;
GRANT SELECT (replayable) ON rejected_message TO haidang_grafana;

CREATE POLICY of_no_site_to_settle ON rejected_message FOR UPDATE TO haidang_api
    USING (site_id IS NULL AND current_setting('haidang.sees_unknown', true) = 'on');

-- Refused messages that nobody needs any more: replayed or put aside, or of no known site, and last received before
-- `before`; and of no known site the oldest beyond so many bytes. What waits for its replay stays. Returns how many went.
CREATE FUNCTION forget_rejected(before timestamptz, unknown_bytes bigint, most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint[];
BEGIN
    SELECT array_agg(old.rejected_message_id) INTO gone FROM (
        SELECT r.rejected_message_id FROM rejected_message AS r
        WHERE (((r.status <> 'open' OR r.site_id IS NULL) AND r.last_at < before)
               OR r.rejected_message_id IN (
                   SELECT u.rejected_message_id FROM (
                       SELECT m.rejected_message_id,
                              sum(octet_length(m.payload) + octet_length(m.topic) + octet_length(m.detail))
                                  OVER (ORDER BY m.last_at DESC, m.rejected_message_id DESC) AS bytes
                       FROM rejected_message AS m WHERE m.site_id IS NULL) AS u
                   WHERE u.bytes > unknown_bytes))
          AND NOT EXISTS (SELECT FROM replay_request AS q
                          WHERE q.rejected_message_id = r.rejected_message_id AND q.done_at IS NULL)
        ORDER BY r.rejected_message_id LIMIT most
        FOR UPDATE OF r SKIP LOCKED) AS old;
    DELETE FROM replay_request WHERE rejected_message_id = ANY (gone);
    DELETE FROM rejected_message WHERE rejected_message_id = ANY (gone);
    RETURN coalesce(cardinality(gone), 0);
END
$$;
REVOKE ALL ON FUNCTION forget_rejected(timestamptz, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_rejected(timestamptz, bigint, integer) TO haidang_ingest;
