"""The panels' SQL: from the named blocks of `store/sql/queries/grafana.sql` to statements that Grafana sends.

In: a block's name and the KPI ids it is for. Out: SQL in which only Grafana's own macros and variables are left open.
"""

import re

from store.queries import load

_HOLE = re.compile(r"<<([a-z_]+)>>")
_KPI_ID = re.compile(r"[a-z][a-z0-9_]*\Z")


def statement(name: str, *kpis: str) -> str:
    """Fill the fragments and the KPI ids into the block of that name.

    Raises:
        ValueError: an id is not a KPI id, or the block has a hole that nothing fills.
    """
    text = load("grafana")[name]
    while hole := _HOLE.search(text):
        text = text.replace(hole.group(), _filling(hole.group(1), kpis))
    return text


def _filling(hole: str, kpis: tuple[str, ...]) -> str:
    if hole != "kpi":
        return _without_purpose(load("grafana")[hole])
    for kpi in kpis:
        if not _KPI_ID.match(kpi):
            raise ValueError(f"not a KPI id: {kpi!r}")
    if not kpis:
        raise ValueError("this statement needs the id of a KPI")
    return ", ".join(f"'{kpi}'" for kpi in kpis)


def _without_purpose(fragment: str) -> str:
    """A fragment lands in the middle of a line: its leading comment must not comment that out."""
    return re.sub(r"\A(--[^\n]*\n)+", "", fragment)
