"""KPI engine: what energy, emissions, capability, corrections and data quality need in registry and derived data."""

from store.migrations.steps import run_sql

revision = "0003_kpi"
down_revision = "0002_ingest"


def upgrade() -> None:
    run_sql(revision)
