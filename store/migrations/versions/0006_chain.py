"""The last links of the chain: what the log had no record of, and what the last open points need."""

from store.migrations.steps import run_sql

revision = "0006_chain"
down_revision = "0005_complete"


def upgrade() -> None:
    run_sql(revision)
