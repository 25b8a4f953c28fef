"""Base sums of worked examples and the values that the catalogue's own expressions have over them.

In: times (s) and pieces as examples state them. Out: frames of one row, and values.
"""

import polars as pl

from kpi.catalogue import CATALOGUE
from kpi.catalogue.columns import wide
from kpi.rollup.evaluate import evaluate
from kpi.worked.result import Answers, Inputs

HOUR_S = 3600.0


def value(kpi: str, frame: pl.DataFrame, variant: str = "") -> float | None:
    """Value of a catalogue KPI over one row of base sums."""
    return evaluate(CATALOGUE[kpi], frame, variant)


def sums(  # noqa: PLR0913 - the base sums of OEE, by name
    *,
    pbt: float,
    apt: float,
    setup: float = 0.0,
    ideal_total: float = 0.0,
    ideal_good: float = 0.0,
    good: float = 0.0,
    reject: float = 0.0,
    not_scheduled: float = 0.0,
    **times: float,
) -> pl.DataFrame:
    """Base sums of a unit that counts, everything else of its planned busy time (s) being delay."""
    known = apt + setup + sum(times.values())
    classes = {"delay_s": pbt - known, **{f"{name}_s": seconds for name, seconds in times.items()}}
    return wide(
        production_s=apt,
        setup_s=setup,
        not_scheduled_s=not_scheduled,
        counted_production_s=apt,
        counted_setup_s=setup,
        counted_planned_busy_s=pbt,
        counted_calendar_s=pbt + not_scheduled,
        ideal_total_s=ideal_total,
        ideal_good_s=ideal_good,
        good=good,
        reject=reject,
        **classes,
    )


def factors(frame: pl.DataFrame) -> Answers:
    """Availability, performance, quality and OEE under the names that examples use."""
    names = {"availability": "availability", "performance": "effectiveness", "quality": "quality_ratio", "oee": "oee"}
    return {name: value(kpi, frame) for name, kpi in names.items()}


def of_pieces(planned: float, run: float, total: float, good: float, cycle: float | None) -> Answers:
    """Give the factors of pieces that all have one ideal cycle (s), or none."""
    frame = sums(
        pbt=planned,
        apt=run,
        ideal_total=total * (cycle or 0.0),
        ideal_good=good * (cycle or 0.0),
        good=good,
        reject=total - good,
    )
    if cycle:
        return factors(frame)
    if cycle is None:
        frame = frame.with_columns(no_ideal=pl.lit(total))
    return {**factors(frame), "quality": value("quality_by_count", frame)}  # no ideal time to weigh the pieces by


def times_of(given: Inputs) -> tuple[float, float]:
    """Planned production time and run time (s) from whichever times a report gives."""
    planned = given.get("planned_production_time_s")
    if planned is None:
        planned = given["shift_length_s"] - _together(given, "breaks_s") - _together(given, "planned_downtime_s")
    run = max(0, planned - _together(given, "downtime_s"))  # a stop cannot be longer than its window
    return planned, given.get("run_time_s", run)


def _together(given: Inputs, name: str) -> float:
    """Seconds of one stretch or of a list of them; 0 where none are given."""
    found = given.get(name, 0)
    return sum(found) if isinstance(found, list) else found
