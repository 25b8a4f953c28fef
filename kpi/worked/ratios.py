"""Worked examples that give sums: put into base sums and answered by the catalogue's own expressions."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl

from kpi.catalogue import CATALOGUE
from kpi.catalogue.columns import faster_than_ideal, order_execution, wide
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


def availability(given: Inputs) -> Answers:
    """Availability from run time, down time, or a shift with breaks."""
    planned, run = _times(given)
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


def oee_factors(given: Inputs) -> Answers:
    """OEE of given factors: base sums that have exactly these factors."""
    if {"planned_production_time_s", "shift_length_s"}.isdisjoint(given):
        planned, run = 1.0, given["availability"]
    else:
        planned, run = _times(given)
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
    planned, run = _times(given)
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


def nee(given: Inputs) -> Answers:
    """OEE and NEE of the ISO quantities."""
    frame = _iso(given)
    oee, found = value("oee", frame), value("nee", frame)
    return {"oee_index": oee, "nee_index": found, "ratio_nee_oee": found / oee if found and oee else None}


def iso_identities(given: Inputs) -> Answers:
    """The ISO 22400 KPIs that the catalogue has, from the quantities of the standard."""
    busy = given["POT"] - given["planned_down"]
    known = given["AUST"] + given["APT"] + given["ADET"]
    frame = _iso({**given, "PBT": busy}, delay=given["ADET"], down_no_order=busy - known)
    row = frame.row(0, named=True)
    names = ("availability", "effectiveness", "quality_ratio", "allocation_efficiency", "utilization_efficiency")
    more = ("technical_efficiency", "setup_ratio")
    found = {name: value(name, frame) for name in (*names, *more)}
    return {
        **found,
        **_recorded(given, row),
        "PBT": value("planned_busy_time", frame),
        "AUPT": row["production_s"] + row["setup_s"],
        "AUBT": row["production_s"] + row["setup_s"] + row["delay_s"],
        "ADOT": value("down_no_order_time", frame),
        "oee_index": value("oee", frame),
        "nee_index": value("nee", frame),
        "scrap_ratio": value("scrap_ratio", wide(good=given["PQ"] - given["SQ"], reject=given["SQ"])),
    }


def _recorded(given: Inputs, times: dict[str, float]) -> Answers:
    """The KPIs that need records of the order, its people and its inspection; PQ is what the order produced."""
    frame = wide(
        **{name: times[name] for name in ("production_s", "setup_s", "delay_s")},
        good=given["PQ"] - given["SQ"],
        reject=given["SQ"],
        orders=1,
        inspections=1,
        transport_time=given["ATT"],
        queuing_time=given["AQT"],
        order_work_time=given["APWT"],
        attendance_time=given["APAT"],
        planned_scrap=given["PSQ"],
        rework=given["RQ"],
        first_pass_good=given["GP"],
        inspected=given["IP"],
    )
    names = ("allocation_ratio", "production_process_ratio", "throughput_rate", "worker_efficiency", "rework_ratio")
    more = ("actual_to_planned_scrap_ratio", "first_pass_yield")
    execution = frame.select(order_execution().alias("AOET"))["AOET"].item()
    return {"AOET": execution, **{name: value(name, frame) for name in (*names, *more)}}


def downtime(given: Inputs) -> Answers:
    """Down time that an availability leaves."""
    lost = given["hours_per_year"] * (1 - (availability_of(given["availability"]) or 0.0))
    return {"downtime_h_per_year": lost, "downtime_h_per_month": lost / 12}


def availability_of(share: float) -> float | None:
    """Availability of a window of which this share is production."""
    return value("availability", sums(pbt=1.0, apt=share))


def plain_mean(given: Inputs) -> Answers:
    """The plain mean, which the product never takes."""
    return {"mean": _mean([each for each in given["oee"] if each is not None])}


def _times(given: Inputs) -> tuple[float, float]:
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


def _cycle(given: Inputs) -> float | None:
    """Ideal seconds per piece, None where none is given: then there is no performance."""
    for name in ("ideal_cycle_time_s", "standard_cycle_s"):
        if name in given:
            return float(given[name])
    return 1 / float(given["ideal_rate_per_s"]) if given.get("ideal_rate_per_s") else None


def _iso(given: Inputs, **times: float) -> pl.DataFrame:
    return sums(
        pbt=given["PBT"],
        apt=given["APT"],
        setup=given["AUST"],
        ideal_total=given["PRI"] * given["PQ"],
        ideal_good=given["PRI"] * given["GQ"],
        good=given["GQ"],
        reject=given["PQ"] - given["GQ"],
        **times,
    )


def _added(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    rows = pl.concat(frames)
    return rows.select(
        pl.col(name).all() if dtype == pl.Boolean else pl.col(name).sum() for name, dtype in rows.schema.items()
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


ADAPTORS: dict[str, Callable[[Inputs], dict[str, Any]]] = {
    "availability": availability,
    "availability_steady_state": steady_state,
    "performance": performance,
    "loading": loading,
    "teep": teep,
    "oee_teep_chain": teep_chain,
    "oee_factors": oee_factors,
    "oee_capped": oee_capped,
    "oee_totals": oee_totals,
    "oee_good_ideal_time": oee_good_ideal_time,
    "oee_edge": oee_edge,
    "oee_mixed_products": oee_mixed_products,
    "oee_rollup": oee_rollup,
    "oee_invariance": oee_invariance,
    "iso22400_nee": nee,
    "iso22400_identities": iso_identities,
    "downtime_from_availability": downtime,
    "oee_rollup_plain_mean": plain_mean,
}
