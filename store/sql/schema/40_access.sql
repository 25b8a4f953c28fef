-- Access: who may see what. Secrets are stored as hashes only.

CREATE TABLE api_key (
    api_key_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   integer NOT NULL REFERENCES account,
    prefix       text NOT NULL UNIQUE,
    hash         bytea NOT NULL CHECK (length(hash) = 32),
    role         text NOT NULL CHECK (role IN ('viewer', 'engineer', 'assessor', 'programme', 'admin')),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    CONSTRAINT assessor_has_an_end CHECK (role <> 'assessor' OR expires_at IS NOT NULL)
);
COMMENT ON COLUMN api_key.hash IS 'SHA-256 of the secret; secrets are random 256-bit strings, so no slow hash is needed';

CREATE TABLE grant_to_site (
    account_id integer NOT NULL REFERENCES account,
    site_id    integer NOT NULL REFERENCES site,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, site_id)
);

CREATE TABLE audit_log (
    audit_log_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT now(),
    account_id   integer REFERENCES account,
    action       text NOT NULL,
    object       text NOT NULL DEFAULT '',
    detail       jsonb NOT NULL DEFAULT '{}'
);

-- Operations
CREATE TABLE alert (
    alert_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id    integer NOT NULL REFERENCES site,
    asset_id   integer REFERENCES asset,
    rule       text NOT NULL,
    from_ts    timestamptz NOT NULL,
    to_ts      timestamptz,
    detail     jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE alert_ack (
    alert_id   bigint PRIMARY KEY REFERENCES alert,
    account_id integer NOT NULL REFERENCES account,
    at         timestamptz NOT NULL DEFAULT now(),
    note       text NOT NULL DEFAULT ''
);
CREATE TABLE prediction (
    prediction_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       integer NOT NULL REFERENCES site,
    asset_id      integer NOT NULL REFERENCES asset,
    model         text NOT NULL,
    for_ts        timestamptz NOT NULL,
    value         double precision,
    detail        jsonb NOT NULL DEFAULT '{}',
    made_at       timestamptz NOT NULL DEFAULT now()
);
