"""Worked examples of ISO 22400 in the quantities of the standard."""

from collections.abc import Callable
from typing import Any

import polars as pl

from kpi.catalogue.columns import order_execution, wide
from kpi.worked.base import sums, value
from kpi.worked.result import Answers, Inputs


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


ADAPTORS: dict[str, Callable[[Inputs], dict[str, Any]]] = {
    "iso22400_nee": nee,
    "iso22400_identities": iso_identities,
}
