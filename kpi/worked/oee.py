"""Worked examples of OEE: from its factors, of counts and cycles, of several products and of several machines."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl

from kpi.worked.base import factors, of_pieces, sums, times_of, value
from kpi.worked.result import Answers, Inputs


def oee_factors(given: Inputs) -> Answers:
    """OEE of given factors: base sums that have exactly these factors."""
    if {"planned_production_time_s", "shift_length_s"}.isdisjoint(given):
        planned, run = 1.0, given["availability"]
    else:
        planned, run = times_of(given)
    total = given["performance"] * run
    return factors(sums(pbt=planned, apt=run, ideal_total=total, ideal_good=given["quality"] * total))


def oee_capped(given: Inputs) -> Answers:
    """Raw OEE, and OEE with each factor cut at 1 before multiplying."""
    run = given["availability"]
    total = given["performance"] * run
    frame = sums(pbt=1.0, apt=run, ideal_total=total, ideal_good=given["quality"] * total)
    return {"oee_raw": value("oee", frame), "oee_capped": value("oee", frame, "capped")}


def oee_totals(given: Inputs) -> Answers:
    """OEE from times, counts and a cycle, in the shapes in which shift reports give them."""
    planned, run = times_of(given)
    cycle = _cycle(given)
    total = given["total_count"]
    good = given.get("good_count", total - given.get("reject_count", 0))
    plan = {"planned_production_time_s": planned, "run_time_s": run, "good_count": good}
    return {**plan, "planned_units": run / cycle if cycle else None, **of_pieces(planned, run, total, good, cycle)}


def oee_good_ideal_time(given: Inputs) -> Answers:
    """OEE as ideal time of good pieces over planned time."""
    planned, total = given["planned_production_time_s"], given["total_count"]
    good = total - given["reject_count"]
    found = of_pieces(planned, planned, total, good, given.get("ideal_cycle_time_s"))
    return {"good_count": good, "oee": found["oee"]}


def oee_edge(given: Inputs) -> Answers:
    """Factors where something is zero, or no ideal cycle is known."""
    planned, run = given["planned_production_time_s"], given["run_time_s"]
    return of_pieces(planned, run, given["total_count"], given["good_count"], given.get("ideal_cycle_time_s"))


def oee_mixed_products(given: Inputs) -> Answers:
    """OEE of several products: each piece at its own ideal time."""
    planned = given["planned_production_time_s"]
    made = [
        (product.get("ideal_cycle_time_s") or 1 / product["ideal_rate_per_s"], product.get("total_count"), product)
        for product in given["products"]
    ]
    good_s = sum(cycle * product["good_count"] for cycle, _, product in made)
    if "run_time_s" not in given or any(total is None for _, total, _ in made):
        return {"oee": value("oee", sums(pbt=planned, apt=planned, ideal_total=good_s, ideal_good=good_s))}
    total_s, pieces = sum(cycle * total for cycle, total, _ in made), sum(total for _, total, _ in made)
    good = sum(product["good_count"] for _, _, product in made)
    run = given["run_time_s"]
    frame = sums(pbt=planned, apt=run, ideal_total=total_s, ideal_good=good_s, good=good, reject=pieces - good)
    found = factors(frame)
    return {**found, "quality_ideal_time": found["quality"], "quality_by_count": value("quality_by_count", frame)}


def oee_rollup(given: Inputs) -> Answers:
    """OEE of several machines from their sums, beside the plain mean that it must not be."""
    frames = [
        sums(
            pbt=machine["planned_production_time_s"],
            apt=machine["planned_production_time_s"],
            ideal_total=machine["ideal_cycle_time_s"] * machine["good_count"],
            ideal_good=machine["ideal_cycle_time_s"] * machine["good_count"],
        )
        for machine in given["machines"]
    ]
    singles = [found for frame in frames if (found := value("oee", frame)) is not None]
    return {"oee": value("oee", _added(frames)) if frames else None, "plain_mean": _mean(singles)}


def oee_invariance(given: Inputs) -> Answers:
    """OEE does not see whether micro-stops are booked as delay (ISO) or as slow running (six big losses)."""
    total, good = (given[name] * given["ideal_cycle_time_s"] for name in ("total_count", "good_count"))

    def booked(run: float) -> pl.DataFrame:
        return sums(pbt=given["PBT_s"], apt=run, ideal_total=total, ideal_good=good)

    iso, losses = booked(given["production_s"]), booked(given["production_s"] + given["micro_stop_s"])
    views = {
        name: {"availability": value("availability", frame), "performance": value("effectiveness", frame)}
        for name, frame in (("iso", iso), ("big_losses", losses))
    }
    return {"oee": value("oee", iso), **views} if value("oee", iso) == value("oee", losses) else views


def plain_mean(given: Inputs) -> Answers:
    """The plain mean, which the product never takes."""
    return {"mean": _mean([each for each in given["oee"] if each is not None])}


def _cycle(given: Inputs) -> float | None:
    """Ideal seconds per piece, None where none is given: then there is no performance."""
    for name in ("ideal_cycle_time_s", "standard_cycle_s"):
        if name in given:
            return float(given[name])
    return 1 / float(given["ideal_rate_per_s"]) if given.get("ideal_rate_per_s") else None


def _added(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    rows = pl.concat(frames)
    return rows.select(
        pl.col(name).all() if dtype == pl.Boolean else pl.col(name).sum() for name, dtype in rows.schema.items()
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


ADAPTORS: dict[str, Callable[[Inputs], dict[str, Any]]] = {
    "oee_factors": oee_factors,
    "oee_capped": oee_capped,
    "oee_totals": oee_totals,
    "oee_good_ideal_time": oee_good_ideal_time,
    "oee_edge": oee_edge,
    "oee_mixed_products": oee_mixed_products,
    "oee_rollup": oee_rollup,
    "oee_invariance": oee_invariance,
    "oee_rollup_plain_mean": plain_mean,
}
