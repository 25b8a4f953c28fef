-- Accounts of machines at the broker: who may come in, and for which place it may speak. The broker's own files (its
-- accounts and who may publish what) are made from these rows; a name that is not here gets nothing.
CREATE TABLE broker_account (
    broker_account_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id           integer NOT NULL REFERENCES site,
    name              text NOT NULL UNIQUE
        CHECK (length(name) <= 200 AND name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*$'),
    asset_prefix      text NOT NULL DEFAULT ''
        CHECK (length(asset_prefix) <= 200 AND asset_prefix ~ '^([A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*)?$'),
    password_hash     text CHECK (password_hash ~ '^[$]7[$][0-9]+[$][A-Za-z0-9+/=]+[$][A-Za-z0-9+/=]+$'),
    sparkplug_node    text UNIQUE CHECK (sparkplug_node ~ '^[^/+#[:space:][:cntrl:]]+/[^/+#[:space:][:cntrl:]]+$'),
    topics            text[] NOT NULL DEFAULT '{}',
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    changed_at        timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE broker_account IS 'accounts of machines at the broker; service roles cannot read them';
COMMENT ON COLUMN broker_account.name IS 'user name, or common name of the client certificate';
COMMENT ON COLUMN broker_account.asset_prefix IS 'the account may speak for this asset and those below it; empty = the whole site';
COMMENT ON COLUMN broker_account.password_hash IS 'PBKDF2 with SHA-512 as Mosquitto writes it, null = comes with a certificate only';
COMMENT ON COLUMN broker_account.sparkplug_node IS 'group/edge node whose Sparkplug messages it may send';
COMMENT ON COLUMN broker_account.topics IS 'further topic filters below which it may publish';
