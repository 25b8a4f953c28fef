"""Worked examples of quality, maintenance and consumption: amounts put into base sums, answered by the catalogue."""

from collections.abc import Callable
from typing import Any

from kpi.catalogue.columns import wide
from kpi.compute.samples import place
from kpi.rollup.yields import rolled_throughput_yield
from kpi.worked.base import HOUR_S, value
from kpi.worked.result import Answers, Inputs


def fpy(given: Inputs) -> Answers:
    """Yields of an inspection."""
    frame = wide(
        inspections=1,
        inspected=given["inspected"],
        first_pass_good=given["first_pass_good"],
        reworked_good=given.get("reworked_good", 0),
        failed_final=given.get("failed_final", 0),
    )
    names = ("rework_share", "fail_share", "final_yield")
    return {"fpy": value("first_pass_yield", frame), **{name: value(name, frame) for name in names}}


def ppm(given: Inputs) -> Answers:
    """Defective parts per million."""
    return {"ppm": value("ppm", wide(failed_final=given["defective"], inspected=given["inspected"]))}


def dpmo(given: Inputs) -> Answers:
    """Defects per million opportunities."""
    frame = wide(defects=given["defects"], defect_opportunities=given["units"] * given["opportunities"])
    return {"dpmo": value("dpmo", frame)}


def maintenance_ratio(given: Inputs) -> Answers:
    """Share of corrective maintenance."""
    frame = wide(corrective_maintenance_time=given["CMT"], preventive_maintenance_time=given["PMT"])
    return {"corrective_maintenance_ratio": value("corrective_maintenance_ratio", frame)}


def process_losses(given: Inputs) -> Answers:
    """The loss ratios of a process industry, and their sum, which is 1 when nothing is missing."""
    frame = wide(
        consumed_material=given["CM"],
        integrated_good=given["IGQ"],
        production_loss=given["PL"],
        storage_transport_loss=given["STL"],
        other_loss=given["OL"],
    )
    names = ("integrated_goods_ratio", "production_loss_ratio", "storage_transport_loss_ratio", "other_loss_ratio")
    found = {name: value(name, frame) for name in names}
    known = [each for each in found.values() if each is not None]
    return {**found, "balance": sum(known) if known else None}


def rty(given: Inputs) -> Answers:
    """Yield of all steps one after the other."""
    steps = given.get("step_yields")
    if steps is None:
        counted = zip(given["step_in"], given["step_first_pass"], strict=True)
        frames = [wide(inspected=parts, first_pass_good=good) for parts, good in counted]
        steps = [value("first_pass_yield", frame) for frame in frames]
    found = rolled_throughput_yield(steps)
    return {"rty": found, "good_of_10000": None if found is None else found * 10_000}


def capability_indices(given: Inputs) -> Answers:
    """Machine capability from mean and standard deviation; like the product's sums in halves of the tolerance."""
    lower, upper = given.get("LSL"), given.get("USL")
    if lower is not None and upper is not None and lower >= upper:
        raise ValueError(f"LSL {lower} is not below USL {upper}")
    side, middle, scale = place(lower, upper)
    mean, deviation = (given["mean"] - middle) / scale, given["s"] / scale
    frame = wide(run_n=2, run_sum=2 * mean, run_squares=deviation**2, run_df=1, **{f"run_{side}": 2})
    return {"cm": value("cm", frame), "cmk": value("cmk", frame)}


def mtbf(given: Inputs) -> Answers:
    """MTBF of closed intervals, or operating time over failures."""
    if "uptimes_h" in given:
        closed = [hours for hours in given["uptimes_h"] if hours is not None]  # an open stretch has no length yet
        frame = wide(between_failures_s=sum(closed) * HOUR_S, between_failures=len(closed))
        return {"mtbf_h": _hours(value("mtbf", frame))}
    if "units" in given:
        total = given["units"] * given["hours_per_day"] * given["days"]
    else:
        total = given["operating_h"] if "operating_h" in given else max(0, given["window_h"] - given["downtime_h"])
    frame = wide(production_s=total * HOUR_S, failures=given["failures"])
    return {"total_h": total, "mtbf_h": _hours(value("mtbf_operating", frame))}


def mtbf_mttr(given: Inputs) -> Answers:
    """Up time, MTBF and MTTR of a window with failures of known length."""
    repair = sum(given["failures_h"])
    uptime, failures = given["window_h"] - repair, len(given["failures_h"])
    frame = wide(production_s=uptime * HOUR_S, delay_s=repair * HOUR_S, repair_s=repair * HOUR_S, failures=failures)
    return {
        "uptime_h": uptime,
        "failures": value("failures", frame),
        "mtbf_h": _hours(value("mtbf_operating", frame)),
        "mttr_h": _hours(value("mttr", frame)),
    }


def mttr(given: Inputs) -> Answers:
    """MTTR in the unit in which the repairs are given."""
    done = [time for time in given["repairs"] if time is not None]  # an open repair has no length yet
    return {"mttr": value("mttr", wide(repair_s=sum(done), failures=len(done)))}


def load_factor(given: Inputs) -> Answers:
    """Load factor from energy, peak and hours."""
    frame = wide(demand_kwh=given["energy_kwh"], peak_kw=given["peak_kw"], demand_hours=given["hours"])
    return {"load_factor": value("load_factor", frame)}


def specific_energy(given: Inputs) -> Answers:
    """Energy per unit of output."""
    return {"sec": value("specific_energy", wide(energy_kwh=given["energy"], good=given["output"]))}


def location_based(given: Inputs) -> Answers:
    """Location-based emissions."""
    return {"kg": value("co2e_location", wide(co2e_kg=given["consumption_kwh"] * given["kg_per_kwh"]))}


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / HOUR_S


ADAPTORS: dict[str, Callable[[Inputs], dict[str, Any]]] = {
    "fpy": fpy,
    "ppm": ppm,
    "dpmo": dpmo,
    "rty": rty,
    "capability": capability_indices,
    "maintenance_ratio": maintenance_ratio,
    "process_losses": process_losses,
    "mtbf": mtbf,
    "mtbf_mttr_events": mtbf_mttr,
    "mttr": mttr,
    "load_factor": load_factor,
    "sec": specific_energy,
    "location_based": location_based,
}
