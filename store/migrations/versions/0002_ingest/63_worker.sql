-- Who works under which session of the broker. A session is an MQTT client id: it keeps messages while nobody is there,
-- so one process at a time may use it, and one that is no longer wanted must be emptied before it is forgotten.
CREATE TABLE ingest_worker (
    session text PRIMARY KEY,
    client_id text NOT NULL,
    slot integer NOT NULL CHECK (slot >= 0 AND slot < slots),
    slots integer NOT NULL CHECK (slots > 0),
    role text NOT NULL CHECK (role IN ('worker', 'supervisor', 'drain')),
    holder text,
    host text NOT NULL,
    pid integer NOT NULL,
    state text NOT NULL,
    subscriptions text[],
    lease_s double precision NOT NULL CHECK (lease_s > 0),
    started_at timestamptz NOT NULL DEFAULT now(),
    renewed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ingest_worker_client ON ingest_worker (client_id);
COMMENT ON TABLE ingest_worker IS 'sessions at the broker and who holds them';
COMMENT ON COLUMN ingest_worker.client_id IS 'what the sessions of one ingest have in common; its own row is the lease of the whole';
COMMENT ON COLUMN ingest_worker.holder IS 'host, process and start of the holder; null = free; may be taken over when not renewed for some seconds';
COMMENT ON COLUMN ingest_worker.lease_s IS 'without a renewal for so long, its holder is taken for dead';
COMMENT ON COLUMN ingest_worker.subscriptions IS 'topic filters that the session may have at the broker, null = not known';

GRANT SELECT, INSERT, UPDATE, DELETE ON ingest_worker TO haidang_ingest;
