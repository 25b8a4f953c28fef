"""Worked examples that give signals or calendars: put through the computation and the calendars of the product."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any

import polars as pl

from kpi.carbon.factors import factor_on
from kpi.compute import compute
from kpi.frames import ANNOTATIONS, EVENTS, READINGS, SERIES, SYMBOLS, Inputs, Tables, empty
from kpi.worked.base import of_pieces
from kpi.worked.calendars import instant
from kpi.worked.result import Answers, UnsupportedError
from kpi.worked.result import Inputs as Given
from model.data import e10_state, emission_factor_sets
from model.registry import Asset, EmissionFactor, Job, Series, Site, StateRule
from model.vocabulary import TimeClass, symbol_id

DAY = date(2026, 1, 5)
START_US = round(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1e6)
_STATES = (
    StateRule(state="running", time_class="production"),
    StateRule(state="stopped", time_class="delay", sub_class="other"),
)
_ISO_CLASSES = {
    TimeClass.PRODUCTION.value: "APT",
    TimeClass.SETUP.value: "AUST",
    TimeClass.DELAY.value: "ADET",
    TimeClass.DOWN_NO_ORDER.value: "ADOT",
}
US_PER_DAY = 86_400_000_000
_SHORTEST_US = 1
Row = tuple[str, int, float | str]


def counter_delta(given: Given) -> Answers:
    """Pieces of a counter's readings, one per second, and how often it fell."""
    readings = [reading for reading in given["readings"] if reading is not None]
    if len(readings) < 2:
        return {"delta": 0.0, "resets": 0, "rollovers": 0}
    rule, modulus = _counter_rule(str(given.get("mode", "")), given.get("modulus")), given.get("modulus")
    if rule == "rollover" and not modulus:
        raise ValueError(f"counter mode {given.get('mode')!r} needs a modulus")
    counter = Series(
        asset="m",
        name="count",
        quantity="good_count",
        kind="counter",
        counter_rule=rule,
        counter_modulus=modulus,
    )
    tables = _computed([counter], [("count", second, float(n)) for second, n in enumerate(readings)])
    fell = sum(each["times"] for each in tables.findings if each["kind"] == "counter_reset")
    return {"delta": _amount(tables, "good"), "resets": fell, "rollovers": fell}


def _counter_rule(mode: str, modulus: Any) -> str:
    """The product's rule: a fall is a reset, unless the register rolls over or shows false zeros."""
    name = mode.lower()
    if "false" in name or ("zero" in name and "reset" not in name):
        return "false_zero"
    if any(word in name for word in ("roll", "modul", "wrap", "overflow", "fixed")):
        return "rollover"
    if "reset" in name or not (name or modulus):
        return "reset"
    if modulus:
        return "rollover"
    raise UnsupportedError(f"counter mode {mode!r}")


def micro_stop(given: Given) -> Answers:
    """Classes of segments; nothing is said of what follows the last one: the machine is taken to run again."""
    segments = given["segments"]
    begins = list(accumulate((_length_us(segment) for segment in segments), initial=0))
    rows: list[Row] = [("state", us, segment["state"]) for us, segment in zip(begins, segments, strict=False)]
    rows.append(("state", begins[-1], "running"))
    state = Series(asset="m", name="state", quantity="state", kind="state")
    unit = {"micro_stop_limit_us": max(_SHORTEST_US, round(given["threshold_s"] * 1e6))}
    tables = _computed([state], rows, unit=unit, scale=1)
    found = [_segment_class(segment, us, tables) for us, segment in zip(begins, segments, strict=False)]
    return {"classes": found, "micro_stops": found.count("micro_stop"), "long_stops": found.count("stopped")}


def _length_us(segment: dict[str, Any]) -> int:
    """Length of a segment; one of no length is the shortest, so that it is a state between two others."""
    duration_s: float = segment["duration_s"]
    if duration_s < 0:
        raise ValueError(f"duration_s {duration_s!r}: a segment cannot end before it begins")
    return max(_SHORTEST_US, round(duration_s * 1e6))


def _segment_class(segment: dict[str, Any], us: int, tables: Tables) -> str:
    within = tables.intervals.filter(pl.col("from_us") <= START_US + us, pl.col("to_us") > START_US + us)
    return "micro_stop" if within["sub_class"][0] == "micro_stop" else str(segment["state"])


def oee_event_stream(given: Given) -> Answers:
    """Run time and pieces from states and cumulative counts; the last state holds to the end of the window."""
    begin, end = (instant(text, "UTC") for text in given["window"])
    if end <= begin:
        raise ValueError("the window ends before it begins")
    rows: list[Row] = [("state", end - begin, "none")]
    for event in given["events"]:
        at = instant(event["t"], "UTC")
        if at < end:
            rows.append(("state", at - begin, event["state"]))
        counts = (("total", event.get("parts")), ("bad", event.get("bad")))
        rows += [(name, at - begin, float(count)) for name, count in counts if count is not None and at <= end]
    series = [
        Series(asset="m", name="state", quantity="state", kind="state"),
        Series(asset="m", name="total", quantity="total_count", kind="counter"),
        Series(asset="m", name="bad", quantity="reject_count", kind="counter"),
    ]
    tables = _computed(series, rows, scale=1)
    run = _seconds(tables, "production")
    good, bad = _amount(tables, "good"), _amount(tables, "reject")
    found = of_pieces(given["planned_time_s"], run, good + bad, good, given.get("ideal_cycle_time_s"))
    return {"run_time_s": run, "total_count": good + bad, "bad_count": bad, **found}


def vn_grid(given: Given) -> Answers:
    """Location-based emissions with the product's own factors of Viet Nam, by year."""
    years = given["years"] if "years" in given else [given["year"]]
    found = [factor_on(_shipped_factors(), "VN", date(int(year), 7, 1)) for year in years]
    tonnes = [None if each is None else given["consumption_kwh"] * each.kg_per_kwh / 1000 for each in found]
    if "years" in given:
        return {"tco2": tonnes}
    return {"factor_t_per_mwh": found[0].kg_per_kwh if found[0] else None, "tco2": tonnes[0]}


def _shipped_factors() -> list[EmissionFactor]:
    sets = emission_factor_sets()
    return [
        EmissionFactor(
            zone=each["zone"],
            valid_from=f"{each['year']}-01-01",
            valid_to=f"{each['year'] + 1}-01-01",
            kg_per_kwh=each["kg_per_kwh"],
            status=each["status"],
        )
        for found in sets
        if found["key"] == "vn-grid"
        for each in found["factors"]
    ]


def iso22400_time_class(given: Given) -> Answers:
    """ISO 22400 class of OPC UA item states and modes, with and without an order on the machine."""
    return {"time_class": [_iso_class(case) for case in given["cases"]]}


def _iso_class(case: dict[str, Any]) -> str | None:
    named = {"state": case["item_state"], "mode": case["operation_mode"]}
    series = [Series(asset="m", name=name, quantity=name, kind="state") for name in named]
    jobs = (Job(asset="m", key="order", from_us=START_US),) if case["order_registered"] else ()
    unit = {"state_model": "opcua_machinery", "assume_order": False}
    tables = _computed(series, [(name, 0, text) for name, text in named.items()], unit=unit, jobs=jobs)
    if tables.intervals["reason"][0] == "maintenance":
        return "APMT"  # kept apart, whatever else the machine does
    return _ISO_CLASSES.get(str(tables.intervals["time_class"][0]))


def semi_e10_map(given: Given) -> Answers:
    """SEMI E10 state of OPC UA item states and modes."""
    return {"e10": [e10_state(case["item_state"], case["operation_mode"]) for case in given["cases"]]}


def _site(
    series: tuple[Series, ...],
    *,
    unit: dict[str, Any] | None = None,
    **more: Any,
) -> Site:
    settings = {"state_model": "none", "micro_stop_limit_us": 0, **(unit or {})}
    assets = (Asset(key="", level="site"), Asset(key="m", level="unit", parent="", **settings))
    return Site(key="example", timezone="UTC", assets=assets, series=series, state_rules=_STATES, **more)


def _computed(series: list[Series], rows: list[Row], *, scale: int = 1_000_000, **of_site: Any) -> Tables:
    """Compute one day with readings at offsets (in µs times `scale`) from its start."""
    ids = {each.name: number for number, each in enumerate(series, 1)}
    listed = [{"series_id": ids[each.name], **{n: getattr(each, n) for n in each.__struct_fields__}} for each in series]
    texts = {text for _, _, text in rows if isinstance(text, str)}
    readings = [
        (ids[name], START_US + at * scale, float(symbol_id(value)) if isinstance(value, str) else value, 0)
        for name, at, value in rows
    ]
    return compute(
        Inputs(
            site=_site(tuple(series), **of_site),
            days=tuple(DAY + timedelta(days=n) for n in range(1 + max(at * scale for _, at, _ in rows) // US_PER_DAY)),
            series=pl.DataFrame(listed, schema=SERIES),
            readings=_stored(pl.DataFrame(readings, schema=READINGS, orient="row")),
            symbols=pl.DataFrame([(symbol_id(text), text) for text in sorted(texts)], schema=SYMBOLS, orient="row"),
            events=empty(EVENTS),
            annotations=empty(ANNOTATIONS),
        )
    )


def _stored(readings: pl.DataFrame) -> pl.DataFrame:
    """Rows as the store holds them: the first of two with one series and time stays."""
    return readings.unique(["series_id", "ts"], keep="first", maintain_order=True).sort("series_id", "ts")


def _amount(tables: Tables, quantity: str) -> float:
    return float(tables.atoms.filter(pl.col("quantity") == quantity)["amount"].sum())


def _seconds(tables: Tables, time_class: str) -> float:
    of_class = tables.atoms.filter(pl.col("quantity") == "time", pl.col("time_class") == time_class)
    return float(of_class["duration_us"].sum()) / 1e6


ADAPTORS: dict[str, Callable[[Given], Answers]] = {
    "counter_delta": counter_delta,
    "micro_stop": micro_stop,
    "oee_event_stream": oee_event_stream,
    "iso22400_time_class": iso22400_time_class,
    "semi_e10_map": semi_e10_map,
    "vn_grid": vn_grid,
}
