"""Metrics of models and rules in use, and of stock limits: from what they wrote, and from the records about them."""

from bisect import bisect_right
from collections import defaultdict
from datetime import date, timedelta

import polars as pl

from maturity.facts import Facts
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.metrics.record_rows import Row, begun, missing, rows_of
from maturity.reasons import because
from model.calendar import production_day_windows

METRICS = Metrics()
_DAY_US = 86_400_000_000
_DAILY = 0.8  # of the days, for a model to count as used daily


@METRICS.add(
    "record.models_in_use",
    "1",
    "Use cases of models or rules that were used on 80 % of the days and whose performance was reviewed in the window.",
    ("min_days_share",),
    ("model_review",),
)
def models_in_use(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Reviews that ended in the window count; days of use are those they state, else those with something written."""
    del scope
    least = float(parameters.get("min_days_share", _DAILY))
    reviews = [row for row in rows_of(facts, "model_review") if row.ends_inside and row.text("model")]
    if not reviews:
        return Measured.nothing(missing("model_review"))
    written = _days_written(facts)
    daily = {
        row.text("use_case") or row.text("model")
        for row in reviews
        if row.number("performance") is not None and _used_share(row, written, facts.days) >= least
    }
    reviewed = {row.text("use_case") or row.text("model") for row in reviews}
    return Measured(float(len(daily)), None, (), detail={"daily": sorted(daily), "reviewed": sorted(reviewed)})


def _used_share(review: Row, written: dict[str, set[date]], days: int) -> float:
    """Share of days of use: of the time that the review states, or of the window by what the model wrote."""
    stated = review.number("days_used")
    if stated is None:
        return len(written[review.text("model")]) / days
    assert review.to_us is not None  # noqa: S101 - it ended in the window
    return stated / max(1.0, (review.to_us - review.from_us) / _DAY_US)


def _days_written(facts: Facts) -> dict[str, set[date]]:
    """Production days of the window on which each model foretold something, or each rule raised an alert."""
    days = production_day_windows(facts.site, "", facts.first, facts.last + timedelta(days=1))
    starts, low, high = [each.from_us for each in days], days[0].from_us, days[-1].to_us
    made = facts.predictions.select(pl.col("model"), pl.col("made_us").alias("at"))
    raised = facts.alerts.select(pl.col("rule").alias("model"), pl.col("from_us").alias("at"))
    found: defaultdict[str, set[date]] = defaultdict(set)
    for model, at in pl.concat([made, raised]).filter(pl.col("at").is_between(low, high, "left")).iter_rows():
        found[model].add(days[bisect_right(starts, at) - 1].day)
    return found


@METRICS.add(
    "record.models_retrained",
    "1",
    "Models that the system trained and released again so many times in the window, each time with a logged approval.",
    ("min_cycles",),
    ("model_release",),
)
def models_retrained(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A release counts when its approval was logged by the time it went live."""
    del scope
    least = int(parameters.get("min_cycles", 3))
    releases = [row for row in rows_of(facts, "model_release") if row.ends_inside and row.text("model")]
    if not releases:
        return Measured.nothing(missing("model_release"))
    cycles: defaultdict[str, int] = defaultdict(int)
    for row in releases:
        cycles[row.text("model")] += _is_automatic(row)
    enough = sum(count >= least for count in cycles.values())
    return Measured(float(enough), None, (), detail={"cycles": dict(sorted(cycles.items()))})


def _is_automatic(row: Row) -> bool:
    approved = row.time("approved")
    by_system = row.text("trained_by") == row.text("released_by") == "system"
    return by_system and approved is not None and row.to_us is not None and approved <= row.to_us


@METRICS.add(
    "record.stock_limits_share",
    "1",
    "Share of links between stations that follow each other for which a stock record names least and most.",
    (),
    ("inventory",),
)
def stock_limits_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Links are the `feeds` relations between stations of the scope's lines; a stock's asset is the station before."""
    del parameters
    lines = facts.assets_of(scope)
    links = sorted(
        (each.from_asset, each.to_asset)
        for each in facts.site.relations
        if each.kind == "feeds" and any(each.from_asset.startswith(f"{line}/") for line in lines)
    )
    if not links:
        return Measured.nothing(because("no_feeds"))
    limited = {(row.asset, row.text("next")) for row in begun(facts, "inventory") if _has_limits(row)}
    if not limited:
        return Measured.nothing(missing("inventory"))
    without = [link for link in links if not limited & {link, (link[0], "")}]
    stations = tuple(sorted({asset for link in links for asset in link}))
    detail = {"links": len(links), "without": [" → ".join(link) for link in without]}
    return Measured(1 - len(without) / len(links), None, stations, detail=detail)


def _has_limits(row: Row) -> bool:
    least, most = row.number("minimum"), row.number("maximum")
    return least is not None and most is not None and least <= most
