"""Worked examples of one ratio of times: availability, performance, loading, and TEEP over the whole calendar."""

from collections.abc import Callable
from typing import Any

from kpi.catalogue.columns import faster_than_ideal
from kpi.worked.base import HOUR_S, factors, sums, times_of, value
from kpi.worked.result import Answers, Inputs


def availability(given: Inputs) -> Answers:
    """Availability from run time, down time, or a shift with breaks."""
    planned, run = times_of(given)
    frame = sums(pbt=planned, apt=run)
    return {"availability": value("availability", frame), "planned_production_time_s": planned, "run_time_s": run}


def steady_state(given: Inputs) -> Answers:
    """Steady state of up and down stretches: up is production, down is delay."""
    frame = sums(pbt=given["mtbf_h"] + given["mttr_h"], apt=given["mtbf_h"])
    found = value("availability", frame)
    return {"availability": found, "unavailability": None if found is None else 1 - found}


def performance(given: Inputs) -> Answers:
    """Effectiveness from counts and a cycle, or from actual and expected counts."""
    if "actual_count" in given:
        frame = sums(pbt=given["expected_count"], apt=given["expected_count"], ideal_total=given["actual_count"])
    else:
        ideal = given["ideal_cycle_time_s"] * given["total_count"]
        frame = sums(pbt=given["run_time_s"], apt=given["run_time_s"], ideal_total=ideal)
    too_fast = bool(frame.select(faster_than_ideal()).item())
    return {"performance": value("effectiveness", frame), "exceeds_one": too_fast}


def loading(given: Inputs) -> Answers:
    """Loading from planned and calendar hours."""
    planned, whole = given["planned_time_h"] * HOUR_S, given["calendar_time_h"] * HOUR_S
    return {"loading": value("loading", sums(pbt=planned, apt=planned, not_scheduled=whole - planned))}


def teep(given: Inputs) -> Answers:
    """TEEP from OEE and loading or the times behind it."""
    share = given["loading"] if "loading" in given else loading(given)["loading"]
    if share is None or "oee" not in given:
        return {"loading": share, "teep": None}
    frame = sums(pbt=share, apt=share, ideal_good=given["oee"] * share, not_scheduled=1 - share)
    return {"loading": value("loading", frame), "teep": value("teep", frame)}


def teep_chain(given: Inputs) -> Answers:
    """The chain from calendar time to TEEP in hours (SMRP: scheduled down time counts against availability)."""
    busy = given["calendar_time_h"] - given["idle_no_demand_h"]
    uptime = busy - given["scheduled_downtime_h"] - given["unscheduled_downtime_h"]
    each = uptime / given["best_rate_units"] if given["best_rate_units"] else 0.0
    frame = sums(
        pbt=busy,
        apt=uptime,
        ideal_total=given["actual_units"] * each,
        ideal_good=given["good_units"] * each,
        not_scheduled=given["idle_no_demand_h"],
    )
    chain = {"uptime_h": uptime, "utilization": value("loading", frame), "teep": value("teep", frame)}
    return {**factors(frame), **chain}


def downtime(given: Inputs) -> Answers:
    """Down time that an availability leaves."""
    lost = given["hours_per_year"] * (1 - (availability_of(given["availability"]) or 0.0))
    return {"downtime_h_per_year": lost, "downtime_h_per_month": lost / 12}


def availability_of(share: float) -> float | None:
    """Availability of a window of which this share is production."""
    return value("availability", sums(pbt=1.0, apt=share))


ADAPTORS: dict[str, Callable[[Inputs], dict[str, Any]]] = {
    "availability": availability,
    "availability_steady_state": steady_state,
    "performance": performance,
    "loading": loading,
    "teep": teep,
    "oee_teep_chain": teep_chain,
    "downtime_from_availability": downtime,
}
