"""Evidence: the append-only log, its checkpoints and their signatures."""

from store.migrations.steps import run_sql

revision = "0004_evidence"
down_revision = "0003_kpi"


def upgrade() -> None:
    run_sql(revision)
