"""What of a value the home page leaves out."""

from typing import Any

from api.console.view import without_idle_flags

ASSETS: list[dict[str, Any]] = [{"key": "hall/line", "level": "line"}, {"key": "hall/line/m", "level": "unit"}]


def test_a_single_machine_is_not_told_that_some_machines_count_nothing() -> None:
    flags = ["partial_start", "units_without_counts"]
    values = [{"asset": asset["key"], "kpi": "oee", "flags": flags} for asset in ASSETS]
    found = {row["asset"]: row["flags"] for row in without_idle_flags(ASSETS, values)}
    assert found == {"hall/line": flags, "hall/line/m": ["partial_start"]}
