"""The virtual plant knows what really happened; the chain must arrive at the same, under disturbed delivery too."""

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import Broker
from tests.support.chain import Api, Chain
from tests.support.database import TestDatabase
from tests.support.paths import ROOT
from tests.support.service import Services

SITE = "demo-plant"
START = "2026-11-02T06:00:00+07:00"  # a Monday, the begin of a production day
CLASSES = {
    "production_time": ("production",),
    "setup_time": ("setup",),
    "fault_time": ("delay/fault",),
    "starved_time": ("delay/starved",),
    "blocked_time": ("delay/blocked",),
    "micro_stop_time": ("delay/micro_stop",),
    "delay_time": ("delay/fault", "delay/starved", "delay/blocked", "delay/micro_stop", "delay/other"),
    "planned_down_time": ("planned_down",),
}


@pytest.fixture(params=["none", "field"])
def plant(
    request: pytest.FixtureRequest, database: TestDatabase, broker: Broker, services: Services, tmp_path: Path
) -> tuple[Chain, list[dict[str, Any]]]:
    """Two days of the plant through the chain, and the truth about them."""
    chain = Chain(database, broker, services)
    chain.haidang("site", "apply", str(ROOT / "pilot" / "data" / "demo_plant.yaml"))
    chain.ingest()
    truth = tmp_path / "truth.jsonl"
    flags = ["--start", START, "--days", "2", "--sample-period", "60", "--seed", "7", "--truth", str(truth)]
    simulator = services.start(
        "simulators", *flags, "--faults", request.param, env={"HAIDANG_BROKER_URL": chain.broker.url}
    )
    assert simulator.wait(120) == 0
    published = int(simulator.log().rsplit("published ", 1)[1].split(" ", 1)[0])
    chain.wait_for_messages(published)
    assert chain.accounted()[1] == 0
    chain.compute()
    return chain, [json.loads(line) for line in truth.read_text("utf-8").splitlines()]


def test_time_counts_oee_and_energy_equal_the_truth(plant: tuple[Chain, list[dict[str, Any]]]) -> None:
    chain, truth = plant
    units = [row for row in truth if row["kind"] == "unit" and row["complete"] and row["shift"]]
    meters = [row for row in truth if row["kind"] == "meter" and row["complete"] and row["shift"]]
    assert len(units) == 6 * 6
    with chain.api() as api:
        found = Found(api)
        for row in units:
            for kpi, labels in CLASSES.items():
                found.check(row, kpi, sum(row["time_us"][label] for label in labels) / 1e6)
            found.check(row, "unknown_time", 0)
            found.check(row, "produced_quantity", row["good"] + row["reject"])
            found.check(row, "good_quantity", row["good"])
            found.check(row, "oee", truth_oee(row))
        for row in meters:
            found.check(row, "energy", row["energy_kwh"])


def truth_oee(row: dict[str, Any]) -> float:
    outside = row["time_us"]["planned_down"] + row["time_us"]["not_scheduled"]
    busy_us = sum(row["time_us"].values()) - outside
    ideal_s: float = sum(item["good"] * item["ideal_cycle_s"] for item in row["products"])
    return ideal_s * 1e6 / float(busy_us)


class Found:
    """Values of whole shifts as the API returns them, asked for once per KPI."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._values: dict[str, dict[tuple[str, str, str], float]] = defaultdict(dict)

    def check(self, row: dict[str, Any], kpi: str, expected: float) -> None:
        if kpi not in self._values:
            rows = self._api.values(kpi, site=SITE, grain="shift")
            self._values[kpi] = {(r["asset"], r["production_day"], r["shift"]): r["value"] for r in rows}
        key = (row["asset"], row["production_date"], row["shift"])
        value = self._values[kpi].get(key)
        assert value is not None, (kpi, key)
        assert math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-6), (kpi, key, value, expected)
