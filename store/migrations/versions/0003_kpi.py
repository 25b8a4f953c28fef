"""KPI engine: what energy cost, emissions, capability, corrections and data quality need in the registry and beside values."""

from store.migrations.steps import run_sql

revision = "0003_kpi"
down_revision = "0002_ingest"


def upgrade() -> None:
    run_sql(revision)
