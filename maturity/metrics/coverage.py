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

    Of periodic series the received over the expected readings count; a machine without any, but with other series, is
    judged by the gaps in them.
    """
    assets = facts.assets_of(scope)
    if facts.quality.is_empty() or not assets:
        return None
    rows = facts.quality.filter(pl.col("asset").is_in(list(assets)))
    days = rows.group_by("asset", "production_day").agg(
        _received().filter(pl.col("expected") > 0).mean().alias("periodic"),
        _without_gaps().filter(pl.col("rows") > 0).mean().alias("others"),
    )
    return float(days.select(pl.coalesce("periodic", "others", 0.0).sum()).item()) / (len(assets) * facts.days)


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
