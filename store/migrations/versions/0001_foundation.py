"""The data model: registry, raw, corrections, derived, access."""

from store.migrations.steps import run_sql

revision = "0001_foundation"
down_revision = None


def upgrade() -> None:
    run_sql(revision)
