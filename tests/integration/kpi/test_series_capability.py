"""From a series with limits in the site file to stored, explained capability."""

import statistics
from copy import deepcopy
from typing import Any

import pytest

from kpi.explained.explanation import Explainer
from kpi.running.job import run_once
from store import serving
from store.pool import connect
from store.registry import apply_site, asset_ids, snapshot
from store.site_file import SiteFile
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant, document
from tests.support.database import TestDatabase

AFTER = MONDAY.replace(month=5)
pytestmark = pytest.mark.needs_database


def gauged(**limits: Any) -> list[dict[str, Any]]:
    assets: list[dict[str, Any]] = deepcopy(document()["assets"])
    series = {"name": "diameter", "quantity": "position", "unit": "mm", "spec_low": 9.9, "spec_high": 10.1, **limits}
    assets[1]["series"].append(series)
    return assets


def test_a_series_with_limits_has_its_capability_stored_and_explained(database: TestDatabase) -> None:
    plant = Plant(database, assets=gauged())
    plant.work_a_day()
    values = [10.0 + 0.01 * ((n * 7) % 11 - 5) for n in range(96)]
    rows = [(SHIFT_START + (n + 1) * HOUR / 12, value) for n, value in enumerate(values)]  # every 5 minutes of 8 hours
    plant.put("diameter", rows)
    run_once(plant.kpi_url, now=AFTER)
    used = [value for (at, value) in rows if not SHIFT_START + 3 * HOUR < at <= SHIFT_START + 4 * HOUR]
    mean, s = statistics.fmean(used), statistics.stdev(used)
    for asset in (MACHINE, "line"):
        assert plant.value("measured_values", asset=asset, variant="diameter")["value"] == len(used)
        ppk = plant.value("ppk", asset=asset, variant="diameter")
        assert ppk["value"] == pytest.approx(min(10.1 - mean, mean - 9.9) / (3 * s))
        assert (ppk["status"], ppk["flags"]) == ("final", [])
    assert plant.value("cp", variant="diameter")["value"] > 0
    with connect(plant.kpi_url) as connection:
        wanted = serving.ValueFilter(
            [asset_ids(connection, plant.site_id)[MACHINE]], "cpk", "month", variant="diameter"
        )
        (row,) = serving.kpi_values(serving.Scope(connection, [plant.site_id]), wanted, None, serving.ValueKey())
        found = Explainer(connection, plant.site_id).explain(row)
    assert found.equal
    assert found.inputs["subgroup_n"] == 5 * (len(used) // 5)
    assert ("subgroup_n", "diameter") in {(piece["quantity"], piece["qualifier"]) for piece in found.pieces}

    with connect(database.url, autocommit=True) as connection:
        assert apply_site(connection, SiteFile.model_validate(document(assets=gauged())))["spec_limit"] == 0
        wider = SiteFile.model_validate(document(assets=gauged(spec_high=10.2, subgroup_size=4)))
        assert apply_site(connection, wider)["spec_limit"] == 2  # one gone, one new
        (limit,) = snapshot(connection, "plant", AFTER).spec_limits
    assert (limit.asset, limit.series, limit.characteristic, limit.upper) == (MACHINE, "diameter", "diameter", 10.2)
    assert (limit.subgroup_size, limit.unit) == (4, "mm")
    run_once(plant.kpi_url, now=AFTER)
    again = plant.value("pp", variant="diameter")
    assert again["value"] == pytest.approx(0.3 / (6 * s))
    assert (again["revision"], again["cause"]) == (2, ["registry"])
