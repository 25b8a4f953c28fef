"""Three real recordings through the whole chain: what the API returns is what the files say."""

import math
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from maturity.evaluate import ConditionResult, CriterionResult, Outcome
from maturity.loading import framework
from maturity.site_assessment import assess_site
from store.pool import connect
from tests.acceptance.expected import lathe, moulding, steel
from tests.support.broker import Broker
from tests.support.chain import Api, Chain
from tests.support.database import TestDatabase
from tests.support.paths import ROOT
from tests.support.service import Services

EXAMPLES = ROOT / "examples"
LATHE = "machining/lathe/mazak03"


@pytest.fixture
def chain(database: TestDatabase, broker: Broker, services: Services) -> Chain:
    return Chain(database, broker, services)


def replayed(chain: Chain, example: str, recording: Path, data: Path | None = None) -> None:
    """Site file, ingest, replay, KPI job, as the README tells a user."""
    folder = EXAMPLES / example
    chain.haidang("site", "apply", str(folder / "site.yaml"), *(["--data", str(data)] if data else []))
    chain.ingest(folder / "mapping.yaml")
    said = chain.haidang("replay", str(recording), "--mapping", str(folder / "mapping.yaml"))
    sent = int(said.split(" messages, ")[0].rsplit(" ", 1)[1].replace(",", ""))
    chain.wait_for_messages(sent)
    received, rejected = chain.accounted()
    assert (received, rejected) == (sent, 0)
    chain.compute()


def assessed(chain: Chain, site: str, last: date) -> dict[str, CriterionResult]:
    """Criteria of Lighthouse OS for the 30 days that end with a day, by their id; nobody has declared anything."""
    period = (last - timedelta(days=29), last)
    with connect(chain.database.url_for("haidang_evidence"), "test", autocommit=True) as connection:
        found = assess_site(connection, framework("lighthouse-os"), site, period).results
    assert not any(each.declared for each in found.values())
    assert all(each.missing for each in found.values() if each.outcome is Outcome.NOT_ASSESSABLE)
    return dict(found)


def comparison(found: CriterionResult) -> ConditionResult:
    """The only comparison of a criterion in its newest window."""
    (condition,) = found.newest.conditions
    return condition


def in_english(found: CriterionResult) -> tuple[str, ...]:
    """What is missing for a criterion."""
    return tuple(each.en for each in found.missing)


def assert_outcomes(criteria: dict[str, CriterionResult], *, supported: set[str], contradicted: set[str]) -> None:
    """These hold and these fail; what else can be told from the recording is not said here."""
    assert {name: criteria[name].outcome for name in supported} == dict.fromkeys(supported, Outcome.SUPPORTED)
    assert {name: criteria[name].outcome for name in contradicted} == dict.fromkeys(contradicted, Outcome.CONTRADICTED)


def expected_peaks(days: list[dict[str, Any]], first: date, last: date) -> float:
    """Greatest demand of some days, of the values that the API gives."""
    return max(float(row["value"]) for row in days if first.isoformat() <= row["production_day"] <= last.isoformat())


def without_oee(expected: dict[tuple[str, str, str], moulding.Slot]) -> set[str]:
    """Machines that have no effectiveness, and so no OEE with its factors, in more than 5 % of their shifts."""
    idle, whole = (Counter(key[2] for key, slot in expected.items() if test(slot))
                   for test in (lambda slot: slot.effectiveness is None, bool))  # fmt: skip
    return {machine for machine, count in whole.items() if idle[machine] > 0.05 * count}


def by_day(api: Api, site: str, asset: str, kpi: str) -> dict[str, float]:
    rows = api.values(kpi, site=site, asset=asset, grain="day")
    return {row["production_day"]: row["value"] for row in rows if row["value"] is not None}


def with_value(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last label, 00:00 of 1 October, touches a day of which nothing is known: it has no value and says so."""
    assert {row["status"] for row in rows if row["value"] is None} <= {"no_data"}
    return [row for row in rows if row["value"] is not None]


def close(actual: float | None, expected: float | None) -> bool:
    if actual is None or expected is None:
        return actual is expected
    return math.isclose(actual, expected, rel_tol=1e-9, abs_tol=1e-9)


def test_a_month_of_a_lathe_gives_its_seconds_of_production_delay_and_unknown(chain: Chain, shared_data: Path) -> None:
    raw = shared_data / "mtconnect-nist-mazak03" / "raw"
    replayed(chain, "lathe-mazak03", raw)
    expected = lathe.seconds_per_class(raw)
    with chain.api() as api:
        found = {kpi: by_day(api, "nist-shop", LATHE, f"{kpi}_time") for kpi in ("production", "delay", "unknown")}
        month = {
            kpi: api.values(f"{kpi}_time", site="nist-shop", asset=LATHE, grain="month")[0]["value"]
            for kpi in ("production", "delay", "unknown")
        }
        flags = api.values("availability", site="nist-shop", asset=LATHE, grain="month")[0]["flags"]
    for day, classes in expected.items():
        for kpi, days in found.items():
            assert close(days.get(day.isoformat(), 0.0), classes[kpi] / 1e6), (day, kpi)
    total = sum(expected.values(), Counter[str]())
    for kpi, value in month.items():
        assert close(value, total[kpi] / 1e6), kpi
    assert sum(month.values()) == pytest.approx(len(expected) * 12 * 3600, rel=1e-12)
    assert "assume_order" in flags
    criteria = assessed(chain, "nist-shop", max(expected))
    window = sum(
        (classes for day, classes in expected.items() if day > max(expected) - timedelta(days=30)), Counter[str]()
    )
    named, stops = comparison(criteria["ARP-1.1"]), comparison(criteria["ARP-2.2"])
    assert close(named.value, 1 - window["unknown"] / window.total())
    assert close(stops.value, window["delay"] / window.total())
    for each in (named, stops):  # both numbers are there, and too little of the data below them
        assert each.missing is not None
        assert "of the data are there; 95% are needed" in str(each.missing)
    assert comparison(criteria["ADD-1.1"]).value == 4 / 27  # four series are in the site file, the others were proposed
    assert_outcomes(criteria, supported={"ADD-2.1", "ADD-2.3"}, contradicted={"ADD-1.1", "ADD-2.2", "ARP-3.2"})
    assert in_english(criteria["ARP-1.3"]) == ("Nothing was counted in the window: connect a counter.",)
    assert in_english(criteria["EMS-1.1"]) == ("The electricity of the scope is not metered: connect its main meter.",)
    assert "assess a period that ends on 2016-07-29 or later" in in_english(criteria["ARP-4.1"])[0]


def test_the_old_snapshot_of_the_last_file_changes_nothing(chain: Chain, shared_data: Path) -> None:
    raw = shared_data / "mtconnect-nist-mazak03" / "raw"
    mapping = EXAMPLES / "lathe-mazak03" / "mapping.yaml"
    chain.haidang("site", "apply", str(EXAMPLES / "lathe-mazak03" / "site.yaml"))
    chain.ingest(mapping)
    for name in ("Mazak03-20160507-20160508.txt.gz", "Mazak03-20160531-20160601.txt.gz"):
        before = chain.accounted()[0]
        chain.haidang("replay", str(raw / name), "--mapping", str(mapping))
        chain.wait_for_messages(before + 1)
    with psycopg.connect(chain.database.url) as connection:
        accounts = connection.execute(
            "SELECT sum(decoded), sum(stored), sum(duplicate), sum(conflict), sum(rejected_value) FROM ledger_now"
        ).fetchone()
    assert accounts is not None
    decoded, stored, duplicate, conflict, rejected = accounts
    assert (decoded, duplicate, conflict, rejected) == (2 * stored, stored, 0, 0)


def test_nine_months_of_a_meter_give_its_energy_demand_load_factor_and_co2e(chain: Chain, shared_data: Path) -> None:
    folder = shared_data / "steel-energy-2018"
    replayed(chain, "steel-works", folder)
    expected = steel.months(folder)
    with chain.api() as api:
        for scope in ("main/meter", ""):
            for kpi, field in (
                ("energy", "energy_kwh"),
                ("demand_peak", "demand_peak_kw"),
                ("load_factor", "load_factor"),
                ("co2e_location", "co2e_kg"),
            ):
                rows = api.values(kpi, site="steel-works", asset=scope, grain="month")
                found = {row["production_day"]: row for row in with_value(rows)}
                assert set(found) == {month.isoformat() for month in expected}, (scope, kpi)
                for month, values in expected.items():
                    row = found[month.isoformat()]
                    assert close(row["value"], getattr(values, field)), (scope, kpi, month, row)
        days = with_value(api.values("energy", site="steel-works", asset="main/meter", grain="day"))
        peaks = api.values("demand_peak", site="steel-works", asset="", grain="day")
        assert api.values("co2e_location", site="steel-works", asset="", grain="month")[0]["factor_set"] == (
            "kr-steel-example/1"
        )
    assert len(days) == 273
    assert {row["completeness"] for row in days} == {1.0}
    criteria = assessed(chain, "steel-works", date(2018, 9, 30))
    assert comparison(criteria["EMS-1.1"]).value == 1.0
    now, earlier = (window.conditions[0] for window in criteria["EMS-4.3"].windows)
    assert now.baseline is not None
    assert (now.baseline.first, now.baseline.last) == (date(2018, 1, 1), date(2018, 1, 30))
    peak = expected_peaks(with_value(peaks), now.baseline.first, now.baseline.last)
    assert close(now.threshold, 0.9 * peak)
    assert close(now.value, expected_peaks(with_value(peaks), date(2018, 7, 3), date(2018, 9, 30)))
    assert close(earlier.value, expected_peaks(with_value(peaks), date(2018, 4, 4), date(2018, 7, 2)))
    assert (now.outcome, earlier.outcome) == (Outcome.SUPPORTED, Outcome.CONTRADICTED)  # it must hold in both
    assert comparison(criteria["ADD-1.1"]).value == 1 / 7  # the meter's energy is in the site file, six columns are not
    assert_outcomes(criteria, supported={"EMS-1.1", "EMS-1.2", "ADD-2.3"}, contradicted={"EMS-4.3", "ADD-1.1"})
    assert in_english(criteria["EMS-2.1"]) == ("No meter below a main meter is connected: connect sub-meters.",)
    assert in_english(criteria["ARP-2.1"]) == ("The scope has no machines: register them in the site file.",)


def test_shift_records_of_a_moulding_shop_give_oee_per_machine_and_shift(chain: Chain, shared_data: Path) -> None:
    folder = shared_data / "moulding-shifts-2018-11"
    replayed(chain, "moulding-shop", folder, folder)
    expected = moulding.slots(folder)
    assert len(expected) == 675
    question = {"site": "moulding-shop", "grain": "shift"}
    with chain.api() as api:
        found = {
            (kpi, variant): {
                (row["production_day"], row["shift"], row["asset"].rsplit("/", 1)[1]): row
                for row in api.values(kpi, variant=variant, **question)
                if "/NO." in row["asset"]
            }
            for kpi, variant in (
                *((kpi, "") for kpi in ("production_time", "delay_time", "produced_quantity", "good_quantity")),
                *((kpi, "") for kpi in ("availability", "effectiveness", "oee")),
                ("oee", "capped"),
            )
        }
        totals = {
            kpi: api.values(kpi, site="moulding-shop", asset="", grain="month")[0]["value"]
            for kpi in ("produced_quantity", "good_quantity", "production_time", "delay_time")
        }
    for key, slot in expected.items():
        for (kpi, variant), wanted in {
            ("production_time", ""): slot.production_s,
            ("delay_time", ""): moulding.SLOT_S - slot.production_s,
            ("produced_quantity", ""): slot.total,
            ("good_quantity", ""): slot.good,
            ("availability", ""): slot.availability,
            ("effectiveness", ""): slot.effectiveness,
            ("oee", ""): slot.oee,
            ("oee", "capped"): slot.oee_capped,
        }.items():
            row = found[kpi, variant][key]
            assert close(row["value"], wanted), (key, kpi, variant, row)
    assert totals == {
        "produced_quantity": sum(slot.total for slot in expected.values()),
        "good_quantity": sum(slot.good for slot in expected.values()),
        "production_time": sum(slot.production_s for slot in expected.values()),
        "delay_time": sum(moulding.SLOT_S - slot.production_s for slot in expected.values()),
    }
    oee = found["oee", ""]
    assert all("state_from_records" in row["flags"] for row in oee.values())
    assert any("performance_gt_1" in row["flags"] for row in oee.values())
    with psycopg.connect(chain.database.url) as connection:
        events = connection.execute("SELECT count(*) FROM event WHERE kind = 'production_run'").fetchone()
    assert events == (697,)
    criteria = assessed(chain, "moulding-shop", date(2018, 11, 30))
    total_s = len(expected) * moulding.SLOT_S
    stopped_s = total_s - sum(slot.production_s for slot in expected.values())
    assert close(comparison(criteria["ARP-2.2"]).value, stopped_s / total_s)
    assert comparison(criteria["ARP-1.2"]).detail["minutes"] == stopped_s / 60
    assert comparison(criteria["ARP-1.2"]).value == 0.0  # no record names a reason
    assert comparison(criteria["EES-1.1"]).detail == {"by_job": 1.0, "by_product": 1.0}
    complete = {key[2] for key, slot in expected.items()} - without_oee(expected)
    assert close(comparison(criteria["ARP-2.1"]).value, len(complete) / 9)
    assert_outcomes(
        criteria,
        supported={"ARP-1.1", "ARP-1.3", "EES-1.1", "EMS-1.2", "EMS-1.3"},
        contradicted={"ARP-1.2", "ARP-2.1", "ARP-3.1", "ARP-3.2", "ADD-2.1"},
    )
    assert "overlaps the baseline, 2018-11-01 to 2018-11-30: assess a period" in in_english(criteria["ARP-2.2"])[0]
    assert in_english(criteria["EMS-3.3"]) == (
        "No emissions are known in the window: connect meters and choose a factor set.",
    )
