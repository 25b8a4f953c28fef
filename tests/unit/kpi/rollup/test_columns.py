"""Expressions over the columns of a window that several KPIs share."""

from random import Random

import polars as pl

from kpi.catalogue.columns import calendar, uncounted

CLASSES = ("production", "setup", "delay", "down_no_order", "unknown", "planned_down", "not_scheduled")


def test_time_is_uncounted_from_one_microsecond_on_and_not_by_rounding() -> None:
    chance = Random(3)  # noqa: S311 - test data
    times = [[chance.randrange(10**11) for _ in CLASSES] for _ in range(500)]
    rows = pl.DataFrame(
        [[each / 1e6 for each in row] for row in times], [f"{name}_s" for name in CLASSES], orient="row"
    )
    whole = pl.Series("counted_calendar_s", [sum(row) / 1e6 for row in times])
    assert (
        rows.with_columns(whole).select((pl.col("counted_calendar_s") < calendar()).any()).item()
    )  # as rounding has it
    assert not rows.with_columns(whole).select(uncounted().any()).item()
    less = pl.Series("counted_calendar_s", [(sum(row) - 1) / 1e6 for row in times])
    assert rows.with_columns(less).select(uncounted().all()).item()
