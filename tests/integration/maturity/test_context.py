"""Events, corrections, business records and carry of a package are those of the log: also its key does not help."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from maturity.facts import FRAMES
from maturity.package import layout
from maturity.package import verify as checking
from maturity.package.content import Package
from maturity.package.logged import read_log
from maturity.package.parquet import to_parquet
from maturity.package.recompute import Recomputation
from maturity.package.verify import verify
from tests.integration.kpi.plant import MACHINE
from tests.integration.maturity.factory import KEY
from tests.integration.maturity.test_package import Members, rewritten

pytestmark = pytest.mark.needs_database
COVERED = "events, corrections, business records and carry of"


def _change(members: Members, name: str, *changes: pl.Expr) -> None:
    content = members[name]
    assert isinstance(content, bytes)
    members[name] = to_parquet(pl.read_parquet(content).with_columns(*changes))


def _later_stop(members: Members) -> None:
    """A reason was told an hour later."""
    is_reason = pl.col("kind") == "stop_reason"
    _change(members, layout.raw_table("events"), pl.when(is_reason).then(pl.col("ts") + 3_600_000_000).otherwise("ts"))


def _other_reason(members: Members) -> None:
    _change(members, layout.raw_table("annotations"), pl.lit("planned").alias("reason"))


def _fewer_minutes(members: Members) -> None:
    _change(members, layout.raw_table("annotations"), pl.col("to_us") - 60_000_000)


def _more_good_pieces(members: Members) -> None:
    _change(members, layout.raw_table("records"), pl.col("payload").str.replace('"good":3', '"good":4'))


def _handed_on(members: Members) -> None:
    members[layout.CARRY] = json.dumps({MACHINE: {"records": True}}, separators=(",", ":")).encode()


def _other_facts(members: Members) -> None:
    """Criteria read other orders than KPIs."""
    _change(members, layout.facts("records"), pl.col("payload").str.replace('"total":4', '"total":9'))


OF_DAY = "of 2026-03-02 are not those that the log recorded"
FOUND: dict[tuple[Callable[[Members], None], ...], set[str]] = {
    (_later_stop, _other_reason, _more_good_pieces, _handed_on): {
        f"raw/events.parquet: the events {OF_DAY}",
        f"raw/annotations.parquet: the corrections {OF_DAY}",
        f"raw/records.parquet: the business records {OF_DAY}",
        "raw/carry.json: what was handed on to 2026-03-02 is not what the log recorded",
        "criteria/facts/events.parquet: its events of the period are not those of raw/events.parquet",
        "criteria/facts/records.parquet: its business records of the period are not those of raw/records.parquet",
    },
    (_fewer_minutes, _other_facts): {
        f"raw/annotations.parquet: the corrections {OF_DAY}",
        "criteria/facts/records.parquet: its business records of the period are not those of raw/records.parquet",
    },
}


@pytest.fixture
def without_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at here does not depend on what comes out."""

    monkeypatch.setattr(checking, "recompute", lambda *_: Recomputation())


@pytest.mark.usefixtures("without_computing")
@pytest.mark.parametrize("changes", FOUND)
def test_what_the_holder_of_the_key_alters_is_named(
    package: Path, changes: tuple[Callable[[Members], None], ...]
) -> None:
    def altered(members: Members) -> None:
        for change in changes:
            change(members)

    assert set(rewritten(package, altered, digests=KEY).findings) == FOUND[changes]


@pytest.mark.usefixtures("without_computing")
def test_what_the_log_covers_is_said_and_what_it_does_not(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = verify(package, KEY.public)
    assert found.findings == []
    assert f"{COVERED} 7 days are those that the log recorded" in found.checked
    logged = read_log(Package.open(package))
    assert len(logged.context) == 7
    del logged.context[date(2026, 3, 3)], logged.context[date(2026, 3, 4)]
    monkeypatch.setattr(checking, "read_log", lambda _: replace(logged))
    earlier = verify(package, KEY.public)
    assert earlier.findings == []
    assert any(f"{COVERED} 2026-03-03 to 2026-03-04 are not covered by the log" in each for each in earlier.notices)
    assert f"{COVERED} 5 days are those that the log recorded" in earlier.checked


@pytest.mark.usefixtures("without_computing")
def test_values_are_not_stated_beside_what_is_computed(package: Path) -> None:
    def beside(members: Members) -> None:
        name = layout.facts("values")
        content = members[layout.VALUES_FILE]
        assert isinstance(content, bytes)
        day = pl.read_parquet(content).filter(pl.col("kpi") == "oee", pl.col("grain") == "day").head(1)
        more = day.rename({"window_start": "from_us", "window_end": "to_us"}).with_columns(is_final=pl.lit(value=True))
        members[name] = to_parquet(more.select(pl.col(each).cast(of) for each, of in FRAMES["values"].items()))

    found = rewritten(package, beside, digests=KEY).findings
    assert any("criteria/facts/values.parquet states values of 2026-03-0" in each for each in found), found
