"""The schema that people read: store/sql/schema, which databases are not made from (migrations make them)."""

from typing import LiteralString

from tests.support.paths import ROOT


def schema() -> list[LiteralString]:
    """Give the current schema, part by part in the order of loading."""
    return [part.read_text("utf-8") for part in sorted((ROOT / "store" / "sql" / "schema").glob("*.sql"))]
