"""Which findings of the computation touch which windows: those of the assets that the windows are made of.

In: rows of windows, findings by asset and production day. Out: the rows with the names of their findings, `marks`.
"""

import polars as pl

from kpi.rollup.scopes import heard
from model.registry import Site

MARKS = pl.Schema({"asset": pl.String, "production_day": pl.Date, "mark": pl.String})
_WINDOW = ["scope", "production_day", "last_day", "job", "product"]
# What an asset may give a scope besides business records, which none of these findings is about.
_FLAGS, _SHARES = ("of_time", "of_counts", "lends", "of_energy", "of_meters"), ("energy_share", "main_share")
_GIVES = pl.any_horizontal(*_FLAGS, *(pl.col(name) > 0 for name in (*_SHARES, "submeter_share")))


def findings(marks: pl.DataFrame, sources: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Give the findings of assets to the scopes that they contribute to.

    Args:
        marks: the findings (MARKS).
        sources: what contributes to which scope (scopes.SOURCES).
        site: the registry of the findings' days.

    Returns:
        scope, asset, mark, mark_day; told: whether the asset is heard by signals (scopes.heard).
    """
    giving = sources.filter(_GIVES).select("scope", "asset", told=pl.col("asset").is_in(sorted(heard(site))))
    return marks.rename({"production_day": "mark_day"}).join(giving, on="asset")


def with_marks(rows: pl.DataFrame, found: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    """Put the sorted names of the findings of each window beside it, whichever windows are made together.

    A finding of an asset's day is one of all windows to which the asset gives pieces of that day; where signals tell
    of the asset, one of the calendar's windows even without a piece.

    Args:
        rows: windows (scope, production_day, last_day, job, product), of jobs and products or of the calendar.
        found: what `findings` gives.
        pieces: pieces of assets as they add up to scopes (scope, asset, production_day, job, product).
    """
    of_day = pl.col("mark_day").is_between(pl.col("production_day"), pl.col("last_day"))
    touched = rows.select(_WINDOW).unique().join(found, on="scope").filter(of_day)
    given = pieces.select("scope", "asset", "job", "product", mark_day="production_day").unique()
    lists = _held(touched, given).group_by(_WINDOW).agg(marks=pl.col("mark").unique().sort())
    none = pl.lit([], pl.List(pl.String))
    return rows.join(lists, on=_WINDOW, how="left").with_columns(pl.col("marks").fill_null(none))


def _held(touched: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """Those findings of days of windows whose asset gave the window a piece on that day, or tells by signals."""
    keys = ["scope", "asset", "mark_day"]
    by_job, by_product = pl.col("job") != "", pl.col("product") != ""
    of_calendar = touched.filter(~by_job, ~by_product)
    return pl.concat(
        [
            of_calendar.filter("told"),
            of_calendar.filter(~pl.col("told")).join(given, on=keys, how="semi"),
            touched.filter(by_job).join(given, on=[*keys, "job"], how="semi"),
            touched.filter(by_product).join(given, on=[*keys, "product"], how="semi"),
        ]
    )
