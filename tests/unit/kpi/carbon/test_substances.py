"""Fuel and refrigerant records: any unit at the edge, spread over their time without losing anything."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from kpi.carbon.substances import reader_of
from kpi.compute.plan import make_plan
from kpi.compute.spread import Pieces
from kpi.compute.substances import fuel_tj, substance_rows
from kpi.frames import RECORDS
from model.canonical import canonical_json
from tests.unit.kpi.carbon.test_carbon import FUELS, plant
from tests.unit.kpi.making import HOUR, MIDNIGHT, MONDAY

KNOWN = {each.fuel: each for each in FUELS}


@pytest.mark.parametrize(
    ("said", "tj"),
    [
        ({"fuel": "diesel", "amount": 1000.0, "unit": "kg"}, 0.043),
        ({"fuel": "diesel", "amount": 1.0, "unit": "m3"}, 0.84 * 0.043),
        ({"fuel": "diesel", "amount": 1000.0, "unit": "l", "density_kg_per_l": 0.83}, 0.83 * 0.043),
        ({"fuel": "natural_gas", "amount": 10.0, "unit": "GJ"}, 0.01),
        ({"fuel": "natural_gas", "amount": 1000.0, "unit": "kWh"}, 0.0036),
        ({"fuel": "wood", "amount": 2.0, "unit": "t", "ncv_tj_per_gg": 15.6}, 0.0312),
    ],
)
def test_an_amount_in_any_unit_becomes_energy(said: dict[str, Any], tj: float) -> None:
    check = reader_of("fuel", plant())
    assert check is not None
    kept = check(said, bool(said))
    assert fuel_tj(kept, KNOWN) == pytest.approx(tj, rel=1e-12)
    assert kept.items() >= said.items()


@pytest.mark.parametrize(
    ("kind", "said", "ended", "why"),
    [
        ("fuel", {"fuel": "coal?", "amount": 1.0, "unit": "kg"}, True, "not in ipcc-2006/1"),
        ("fuel", {"fuel": "wood", "amount": 1.0, "unit": "kg"}, True, "ncv_tj_per_gg is missing"),
        ("fuel", {"fuel": "lpg", "amount": 1.0, "unit": "l"}, True, "density_kg_per_l"),
        ("fuel", {"fuel": "diesel", "amount": -1.0, "unit": "kg"}, True, "no amount"),
        ("fuel", {"fuel": "diesel", "amount": 1.0, "unit": "A"}, True, "neither mass, volume nor energy"),
        ("fuel", {"fuel": "diesel", "amount": 1.0}, True, "has no unit"),
        ("fuel", {"fuel": "diesel", "amount": 1.0, "unit": "kg"}, False, "has no end"),
        ("refrigerant", {"gas": "R-999", "amount": 1.0, "unit": "kg"}, True, "lists no"),
        ("refrigerant", {"gas": "R32", "amount": 1.0, "unit": "l"}, True, "by mass"),
    ],
)
def test_a_row_that_cannot_be_counted_is_refused(kind: str, said: dict[str, Any], ended: bool, why: str) -> None:
    check = reader_of(kind, plant())
    assert check is not None
    with pytest.raises(ValueError, match=why.replace("?", r"\?")):
        check(said, ended)


def rows(first_day: int, days: int, *records: tuple[str, int, int, dict[str, Any]]) -> pl.DataFrame:
    """Rows of a computation of some days whose pieces are the hours of the line."""
    of = plant()
    plan = make_plan(of, tuple(MONDAY + timedelta(days=first_day + n) for n in range(days)), None)
    start, rank = MIDNIGHT + first_day * 24 * HOUR, plan.rank()["line"]
    hours = [(rank, start + n * HOUR, start + (n + 1) * HOUR) for n in range(24 * days)]
    schema = {"a": pl.Int32, "from_us": pl.Int64, "to_us": pl.Int64}
    given = [
        ("line", kind, f"k{n}", a, b, canonical_json(said).decode()) for n, (kind, a, b, said) in enumerate(records)
    ]
    index = Pieces.of(pl.DataFrame(hours, schema, orient="row"))
    return substance_rows(pl.DataFrame(given, RECORDS, orient="row"), of, plan, index)[0]


DELIVERY = ("fuel", MIDNIGHT - 5 * HOUR + 17, MIDNIGHT + 70 * HOUR + 3, {"fuel": "diesel", "mass_kg": 1234.5})
LEAK = ("refrigerant", MIDNIGHT + 30 * HOUR, MIDNIGHT + 30 * HOUR, {"gas": "R32", "mass_kg": 1.5})


def test_days_computed_alone_are_the_days_computed_together() -> None:
    together = rows(-1, 5, DELIVERY, LEAK)
    alone = pl.concat([rows(day, 1, DELIVERY, LEAK) for day in range(-1, 4)])
    order = ("quantity", "amount")
    assert together.sort(order)["amount"].to_list() == alone.sort(order)["amount"].to_list()
    fuel = together.filter(quantity="fuel_tj")["amount"].sum()
    assert fuel == pytest.approx(1234.5 * 43.0 / 1e6, rel=1e-12)


def test_what_is_topped_up_at_an_instant_is_in_the_hour_that_ends_with_it() -> None:
    found = rows(1, 1, LEAK)
    assert found.select("p", "quantity", "qualifier", "amount").rows() == [(5, "refrigerant_kg", "R32", 1.5)]


def test_a_record_that_lost_its_factor_is_a_finding_and_counts_for_nothing() -> None:
    of = plant(fuel_factors=())
    plan = make_plan(of, (MONDAY,), None)
    given = [("line", "fuel", "k", MIDNIGHT, MIDNIGHT + HOUR, canonical_json(DELIVERY[3]).decode())]
    hours = pl.DataFrame(
        [(plan.rank()["line"], MIDNIGHT, MIDNIGHT + 24 * HOUR)],
        {"a": pl.Int32, "from_us": pl.Int64, "to_us": pl.Int64},
        orient="row",
    )
    found, odd = substance_rows(pl.DataFrame(given, RECORDS, orient="row"), of, plan, Pieces.of(hours))
    assert (len(found), [each["kind"] for each in odd]) == (0, ["bad_record"])
