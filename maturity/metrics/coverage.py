"""How much of what was due from the machines of a scope came: the completeness of everything made of their signals.

A state holds until another one comes, so the states alone do not tell whether a machine was heard. What is stored of
the quality of its series does: each production day of each machine counts alike, one without anything as nothing.
"""

import polars as pl

from maturity.facts import Facts

PLANNED = ("production", "setup", "delay", "down_no_order", "unknown")
_span = pl.col("to_us") - pl.col("from_us")


def heard_share(facts: Facts, scope: str) -> float | None:
    """Mean share, over machines and days, of what came of the series; null where no quality is stored at all.

    Of periodic series the received over the expected readings count. A machine that has none speaks by exception: it
    must have said something on every day on which it was scheduled, and what counts is the time without gaps.
    """
    assets = facts.assets_of(scope)
    if facts.quality.is_empty() or not assets:
        return None
    found = [_heard(facts, asset) for asset in assets]
    due = sum(days for _, days in found)
    return sum(got for got, _ in found) / due if due else None


def _heard(facts: Facts, asset: str) -> tuple[float, int]:
    """Days that were heard, and days that were due."""
    rows = facts.quality.filter(pl.col("asset") == asset)
    periodic = rows.filter(pl.col("expected") > 0)
    if not periodic.is_empty():
        return _sum_of_days(periodic, _received()), facts.days
    scheduled = facts.intervals.filter(pl.col("asset") == asset, pl.col("time_class") != "not_scheduled")
    days = scheduled["production_day"].unique().to_list()
    if not days:
        return 0.0, 0 if rows["rows"].sum() else facts.days
    said = rows.filter(pl.col("rows") > 0, pl.col("production_day").is_in(days))
    return _sum_of_days(said, _without_gaps()), len(days)


def _sum_of_days(rows: pl.DataFrame, share: pl.Expr) -> float:
    return float(rows.group_by("production_day").agg(share.mean().alias("share"))["share"].sum())


def share_of_series() -> pl.Expr:
    """Received over expected readings of a row of quality, at most 1; share of time without gaps where none is due."""
    return pl.when(pl.col("expected") > 0).then(_received()).otherwise(_without_gaps())


def _received() -> pl.Expr:
    return pl.min_horizontal(pl.col("received") / pl.col("expected"), 1.0)


def _without_gaps() -> pl.Expr:
    return pl.when(_span > 0).then((1 - pl.col("gap_us") / _span).clip(0.0, 1.0)).otherwise(0.0)


def known_share(rows: pl.DataFrame) -> float | None:
    """Share of planned time in which the state is known; null where nothing was planned."""
    planned = rows.filter(pl.col("time_class").is_in(PLANNED))
    total = float(planned["seconds"].sum())
    unknown = float(planned.filter(pl.col("time_class") == "unknown")["seconds"].sum())
    return 1 - unknown / total if total else None


def of_states(facts: Facts, scope: str, rows: pl.DataFrame) -> float | None:
    """Completeness of what is read from state intervals: known share of planned time, and never more than was heard."""
    found = [each for each in (known_share(rows), heard_share(facts, scope)) if each is not None]
    return min(found, default=None)
