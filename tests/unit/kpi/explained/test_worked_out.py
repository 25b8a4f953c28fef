"""Every entry of the catalogue can be written with its numbers, and the text gives its value again."""

import math
import random

import polars as pl
import pytest

from kpi.catalogue import CATALOGUE, Kpi
from kpi.catalogue.columns import COLUMNS, SUMS, wide
from kpi.explained.worked_out import UnwrittenError, written

KNOWN = {"sqrt": math.sqrt, "min": min, "max": max, "abs": abs, "floor": math.floor, "round": round}


def work_out(text: str) -> float:
    """What a calculator makes of it."""
    return float(eval(text, {"__builtins__": {}, **KNOWN}))  # noqa: S307 - text of our own


def rows(kpi: Kpi) -> list[pl.DataFrame]:
    """Base sums of all kinds: large and small, whole and broken, negative, zero."""
    made = random.Random(kpi.id)  # noqa: S311 - a test
    sizes = (0.0, 1.0, 7.0, 0.1, 3600.0, -2.5, 1e-7, 12345.678, 1e9)
    found = [wide(**{name: made.choice(sizes) for name in SUMS}) for _ in range(3)]
    return [*found, wide(**dict.fromkeys(kpi.inputs, 4.0)), wide()]


@pytest.mark.parametrize("kpi", CATALOGUE.values(), ids=list(CATALOGUE))
def test_what_is_written_gives_the_value_of_the_expression(kpi: Kpi) -> None:
    told = 0
    for row in rows(kpi):
        for expression in filter(lambda each: each is not None, (kpi.numerator, kpi.denominator, kpi.capped)):
            assert expression is not None
            value = row.select(expression.cast(pl.Float64)).item()
            if value is None or not math.isfinite(value):
                continue
            assert work_out(written(expression, row)) == pytest.approx(value, rel=1e-12, abs=1e-300)
            told += 1
    assert told


def test_names_are_replaced_by_their_numbers_and_other_branches_left_out() -> None:
    oee, row = CATALOGUE["oee"], wide(ideal_good_s=20_000, counted_production_s=22_000, counted_planned_busy_s=28_800.5)
    assert oee.denominator is not None
    assert [written(each, row) for each in (oee.numerator, oee.denominator)] == ["20000", "28800.5"]
    parts = CATALOGUE["planned_busy_time"].numerator
    assert written(parts, wide(production_s=1, setup_s=2, unknown_s=0.5)) == "1 + 2 + 0 + 0 + 0.5"


def test_parts_without_a_value_and_unknown_ones_are_refused() -> None:
    row = wide().with_columns(good=pl.lit(None, COLUMNS["good"]))
    for expression in (pl.col("good"), pl.col("reject").log(), pl.col("reject") // 2):
        with pytest.raises(UnwrittenError):
            written(expression, row)
