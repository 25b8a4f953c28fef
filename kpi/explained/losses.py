"""Where the time of a window went: the tree of losses, of the catalogue's own entries, in seconds that add up. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpi.catalogue import CATALOGUE
from kpi.catalogue.columns import COLUMNS, wide
from kpi.catalogue.losses import OF_PRODUCTION, OUTSIDE_PRODUCTION
from kpi.rollup.evaluate import value_columns

START_UP_NOT_TOLD = "process defects and reduced yield"
_PLACES = {**OUTSIDE_PRODUCTION, **OF_PRODUCTION, "production": "production_time"}
_LEAVES = [value_columns(CATALOGUE[kpi])[-1].alias(key) for key, kpi in _PLACES.items()]  # all in one pass


@dataclass(frozen=True)
class Loss:
    """One leaf: seconds, and which of the six big losses it is, if any. Speed is negative where a cycle is too long."""

    key: str
    seconds: float
    big_loss: str = ""


def losses(row: Mapping[str, Any]) -> list[Loss]:
    """Split the calendar time of a row of base sums into leaves; their sum is that time."""
    frame = wide(**{name: row[name] for name in COLUMNS if row.get(name) is not None})
    found = frame.select(_LEAVES).row(0, named=True)
    leaves = [_leaf(key, kpi, found[key]) for key, kpi in OUTSIDE_PRODUCTION.items()]
    parts = [_leaf(key, kpi, found[key]) for key, kpi in OF_PRODUCTION.items()]
    if row["counted_production_s"] <= 0 or any(part is None for part in parts):
        parts = [_leaf("production", "production_time", found["production"])]
    told = row.get("counted_setup_s", 0.0) > 0
    return [_said(leaf, start_up_told=told) for leaf in (*leaves, *parts) if leaf is not None]


def _leaf(key: str, kpi: str, seconds: float | None) -> Loss | None:
    return None if seconds is None else Loss(key, seconds, CATALOGUE[kpi].loss)


def _said(leaf: Loss, *, start_up_told: bool) -> Loss:
    """Without any setup nobody can tell start-up rejects from steady ones: the leaf of defects says so."""
    return Loss(leaf.key, leaf.seconds, START_UP_NOT_TOLD) if leaf.key == "defects" and not start_up_told else leaf
