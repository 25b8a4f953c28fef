"""Kinds of business records: fields are checked, the page is current, what KPIs and metrics read is stated."""

import csv
from pathlib import Path

import pytest

from kpi.carbon.substances import reader_of
from kpi.compute.business import FIELDS
from maturity.metrics import METRICS
from maturity.record_docs import page
from model.record_fields import Kind
from model.record_sets import RECORD_SETS
from store.business import KINDS, BusinessRecord, Rejected, Rules, read_lines
from tests.support.paths import ROOT
from tests.unit.maturity.plain import SITE


def read(kind: str, *rows: str) -> tuple[list[BusinessRecord], list[Rejected]]:
    """Rows of a table of a kind, the header first."""
    rules = Rules(SITE.timezone, frozenset({"", "l/a"}), reader_of(kind, SITE))
    return read_lines(rows, "table", rules)


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "record-sets.md").read_text("utf-8") == page()


def test_there_is_one_list_of_kinds() -> None:
    assert set(KINDS) == set(RECORD_SETS)
    assert {kind for each in METRICS.values() for kind in each.requires} <= set(KINDS)
    assert all(each.counted for each in RECORD_SETS.values())


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_what_kpis_read_is_stated(kind: str) -> None:
    stated = {field.name: field.kind for field in RECORD_SETS[kind].fields}
    assert RECORD_SETS[kind].in_kpis
    assert {name: stated.get(name) for name in FIELDS[kind]} == dict.fromkeys(FIELDS[kind], Kind.NUMBER)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("fuel", "refrigerant")])
def test_every_kind_is_read_from_a_table_with_all_its_columns(kind: str, tmp_path: Path) -> None:
    fields = RECORD_SETS[kind].fields
    usual = {Kind.TEXT: "x", Kind.NUMBER: "1.5", Kind.TIME: "2026-10-05T10:00", Kind.YES_NO: "Yes"}
    row = {field.name: field.choices[0].upper() if field.choices else usual[field.kind] for field in fields}
    file = tmp_path / "table.csv"
    with file.open("w", newline="", encoding="utf-8") as lines:
        table = csv.DictWriter(lines, ["key", "asset", "from", *row])
        table.writeheader()
        table.writerow({"key": "007", "asset": "l/a", "from": "2026-10-05T08:00", **row})
    (found,), refused = read(kind, *file.read_text("utf-8").splitlines())
    assert refused == []
    assert found.key == "007"
    assert all(found.payload[field.name] in field.choices for field in fields if field.choices)
    assert all(found.payload[field.name] == "yes" for field in fields if field.kind is Kind.YES_NO)


@pytest.mark.parametrize(
    ("kind", "column", "cell", "reason"),
    [
        ("mission", "triggered_by", "Nguyen Van A", "triggered_by 'Nguyen Van A' is not one of system, person"),
        ("mission", "triggered_by", "", "has no triggered_by"),
        ("milk_run", "planned", "ten", "planned 'ten' is not a time such as"),
        ("tag_read", "tagged", "maybe", "tagged 'maybe' is not yes or no"),
        ("shutdown", "idle_s", "long", "idle_s 'long' is not a number"),
        ("order", "quantity", "many", "quantity 'many' is not a number"),
    ],
)
def test_a_wrong_cell_refuses_its_row_and_no_other(kind: str, column: str, cell: str, reason: str) -> None:
    good = {"mission": "system", "milk_run": "2026-10-05T10:00", "tag_read": "no", "shutdown": "7", "order": "5"}
    rows = [f"key,from,{column}", f"1,2026-10-05T10:00,{cell}", f"2,2026-10-05T10:00,{good[kind]}"]
    found, refused = read(kind, *rows)
    assert [each.key for each in found] == ["2"]
    assert [(each.line, reason in each.reason) for each in refused] == [(2, True)]


def test_keys_of_other_systems_stay_what_they_are() -> None:
    found, _ = read("problem", "key,from,trigger", "1,2026-10-05,007", "2,2026-10-05,4711", "3,2026-10-05,T-1")
    assert [each.payload["trigger"] for each in found] == ["007", "4711", "T-1"]
