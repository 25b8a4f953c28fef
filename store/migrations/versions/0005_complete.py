"""What was still open: KPIs of measured series, two-part tariffs, state maps that say when nothing is scheduled."""

from store.migrations.steps import run_sql

revision = "0005_complete"
down_revision = "0004_evidence"


def upgrade() -> None:
    run_sql(revision)
