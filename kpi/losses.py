"""Where the time of a window went: a tree of losses in seconds that adds up to the window. Pure.

From calendar time down to the ideal time of good pieces. What is lost while a unit produces (speed, quality) is only
known where pieces are counted and have an ideal cycle; elsewhere production stays whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DELAYS = ("fault", "starved", "blocked", "micro_stop")


@dataclass(frozen=True)
class Loss:
    """One leaf: seconds, and which of the six big losses it is, if any. Speed is negative where a cycle is too long."""

    key: str
    seconds: float
    big_loss: str = ""


def losses(row: Mapping[str, Any]) -> list[Loss]:
    """Split the calendar time of a row of base sums into leaves; their sum is that time."""
    delays = {name: float(row[f"{name}_s"]) for name in _DELAYS}
    leaves = [
        Loss("not_scheduled", row["not_scheduled_s"]),
        Loss("planned_down", row["planned_down_s"]),
        Loss("down_no_order", row["down_no_order_s"]),
        Loss("unknown", row["unknown_s"]),
        Loss("setup", row["setup_s"], "setup and adjustment"),
        Loss("fault", delays["fault"], "equipment failure"),
        Loss("starved", delays["starved"]),
        Loss("blocked", delays["blocked"]),
        Loss("micro_stop", delays["micro_stop"], "idling and minor stops"),
        Loss("delay_other", row["delay_s"] - sum(delays.values())),
    ]
    return [*leaves, *_of_production(row)]


def _of_production(row: Mapping[str, Any]) -> list[Loss]:
    production, counted = row["production_s"], row["counted_production_s"]
    if not row["has_counts"] or row["no_ideal"] > 0 or counted <= 0:
        return [Loss("production", production)]
    good, total = row["ideal_good_s"], row["ideal_total_s"]
    uncounted = [Loss("production_uncounted", production - counted)] if production > counted else []
    return [
        *uncounted,
        Loss("reduced_speed", counted - total, "reduced speed"),
        Loss("defects", total - good, "process defects and reduced yield"),
        Loss("good_pieces", good),
    ]
