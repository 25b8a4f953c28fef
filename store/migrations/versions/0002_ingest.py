"""Ingest at scale: a site's quotas, what Sparkplug nodes said, workers, replays."""

from store.migrations.steps import run_sql

revision = "0002_ingest"
down_revision = "0001_foundation"


def upgrade() -> None:
    run_sql(revision)
