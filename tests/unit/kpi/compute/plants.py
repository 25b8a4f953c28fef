"""Small plants for tests of the computation: rows in short form to `Inputs`, and the slices a job would read."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from kpi.compute import compute, read_range
from kpi.compute.signals import usable
from kpi.frames import ANNOTATIONS, EVENTS, READINGS, SERIES, SYMBOLS, Inputs, Tables
from maturity.day_context import Context
from model.registry import Asset, Routing, Site
from model.vocabulary import Quality, symbol_id

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
STATES = ("EXECUTE", "STOPPED", "ABORTED", "SUSPENDED", "STARTING", "SETUP", "UNDEFINED", "IDLE", "BROKEN?")
# Of other models: what produces first.
MODELS = {
    "packml": STATES,
    "mtconnect": ("ACTIVE", "INTERRUPTED", "STOPPED", "WAIT", "UNAVAILABLE", "READY"),
    "opcua_machinery": ("Executing", "NotExecuting", "OutOfService", "NotAvailable", "Lost?"),
    "semi_e10": ("PRODUCTIVE", "STANDBY", "ENGINEERING", "UNSCHEDULED_DOWNTIME", "NON_SCHEDULED"),
}
MODES = ("Processing", "Setup", "Maintenance")
UNIT = "line/m1"


def us(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )


def plant(unit: Mapping[str, Any] | None = None, **fields: Any) -> Site:
    """A line with one unit, in UTC and always scheduled unless told otherwise."""
    assets = (
        Asset(key="", level="site"),
        Asset(key="line", level="line", parent=""),
        Asset(key=UNIT, level="unit", parent="line", **(unit or {})),
    )
    given: dict[str, Any] = {
        "key": "s", "timezone": "UTC", "assets": assets, "routings": (Routing(ideal_cycle_us=10 * SECOND),), **fields,
    }  # fmt: skip
    return Site(**given)


def series(*rows: Mapping[str, Any]) -> pl.DataFrame:
    base = {"asset": UNIT, "qualifier": "", "unit": "", "kind": "counter", "counter_rule": "reset"}
    named = [{**base, "series_id": number + 1, "name": row["quantity"], **row} for number, row in enumerate(rows)]
    return pl.DataFrame([{name: row.get(name) for name in SERIES} for row in named], schema=SERIES)


def readings(*columns: Iterable[tuple[int, float | str | None]]) -> pl.DataFrame:
    """One list of (ts, value) per series, numbered from 1; a text is a state, null is no signal."""
    rows = [
        (
            number + 1,
            ts,
            float(symbol_id(value)) if isinstance(value, str) else value,
            (Quality.NO_SIGNAL if value is None else Quality.GOOD).value,
        )
        for number, column in enumerate(columns)
        for ts, value in column
    ]
    return pl.DataFrame(rows, READINGS, orient="row").sort("series_id", "ts")


def symbols(*more: str) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (symbol_id(text), text)
            for text in sorted({*sum(MODELS.values(), ()), *MODES, "Execute", "HELD", "j1", "p", "q", "", *more})
        ],
        SYMBOLS,
        orient="row",
    )


def events(*rows: tuple[int, str, str, Mapping[str, Any]], asset: str = UNIT) -> pl.DataFrame:
    """(ts, kind, key, payload with from_us and to_us for records)."""
    full = [
        (asset, ts, kind, key, payload.get("from_us"), payload.get("to_us"), json.dumps(dict(payload)))
        for ts, kind, key, payload in rows
    ]
    return pl.DataFrame(full, EVENTS, orient="row")


def annotations(*rows: tuple[int, int, str | None, str | None]) -> pl.DataFrame:
    """(from, to, reason, product), each newer than the one before."""
    full = [(number, UNIT, *row, number) for number, row in enumerate(rows)]
    return pl.DataFrame(full, ANNOTATIONS, orient="row")


def inputs(site: Site, days: Iterable[date], **frames: Any) -> Inputs:
    given: dict[str, Any] = {
        "series": pl.DataFrame(schema=SERIES), "readings": pl.DataFrame(schema=READINGS), "symbols": symbols(),
        "events": pl.DataFrame(schema=EVENTS), "annotations": pl.DataFrame(schema=ANNOTATIONS), **frames,
    }  # fmt: skip
    return Inputs(site, tuple(days), **given)


def day_inputs(whole: Inputs, days: tuple[date, ...], carry: Mapping[str, Any]) -> Inputs:
    """Cut out what a job reads for some of the days: rows in range, the last before and the first after it.

    Of a counter the first after it that counts, too.
    """
    low, high = read_range(whole.site, days)
    rows = whole.readings
    before = rows.filter(pl.col("ts") < low).group_by("series_id").agg(pl.all().sort_by("ts").last())
    after = rows.filter(pl.col("ts") >= high).group_by("series_id").agg(pl.all().sort_by("ts").first())
    inside = rows.filter(pl.col("ts") >= low, pl.col("ts") < high)
    counters = whole.series.filter(pl.col("kind") == "counter").select("series_id", "counter_rule")
    counting = rows.filter(pl.col("ts") >= high, usable()).join(counters, on="series_id")
    counting = counting.filter((pl.col("value") != 0) | (pl.col("counter_rule") != "false_zero"))
    counted = counting.group_by("series_id").agg(pl.all().sort_by("ts").first())
    near = pl.concat([each.select(READINGS.names()) for each in (before, inside, after, counted)])
    part = near.unique().sort("series_id", "ts")
    known = Context(whole.symbols, whole.events, whole.annotations, whole.records, {})
    return replace(whole, days=days, readings=part, events=known.events_of(low, high), carry=carry)


def day_by_day(whole: Inputs) -> list[Tables]:
    """Compute one day after the other, each with what the one before handed on."""
    carry: dict[str, Any] = dict(whole.carry)
    tables = []
    for day in whole.days:
        tables.append(compute(day_inputs(whole, (day,), carry)))
        carry = {
            asset: json.loads(payload) for asset, payload in tables[-1].carry.select("asset", "payload").iter_rows()
        }
    return tables


def seconds(tables: Tables, by: tuple[str, ...] = ("time_class", "sub_class")) -> dict[tuple[str, ...] | str, float]:
    """Sum time atoms, in seconds."""
    time = tables.atoms.filter(pl.col("quantity") == "time").group_by(by).agg(pl.col("duration_us").sum()).rows()
    return {key if len(key) > 1 else key[0]: length / 1e6 for *parts, length in time if (key := tuple(parts))}


def amount(tables: Tables, quantity: str, **where: str) -> float:
    """Sum the amounts of a quantity."""
    rows = tables.atoms.filter(
        pl.col("quantity") == quantity, *(pl.col(name) == value for name, value in where.items())
    )
    return float(rows["amount"].sum())
