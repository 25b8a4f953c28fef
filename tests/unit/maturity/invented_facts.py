"""Hand-made facts of a small site for the tests of metrics: two days, machines l/a and l/b, times in hours."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from maturity import facts as schemas
from maturity.facts import Facts
from maturity.metrics import METRICS
from maturity.metrics.measured import Measured
from maturity.read_values import ALWAYS, named_by
from tests.unit.maturity.plain import SITE

FIRST = date(2026, 10, 5)
DAYS = (FIRST, FIRST + timedelta(days=1))
HOUR = 3_600_000_000
START = round(datetime(2026, 10, 4, 17, tzinfo=UTC).timestamp()) * 1_000_000  # midnight in Ho Chi Minh City
END = START + 48 * HOUR


def at(hours: float) -> int:
    """So many hours after the window's beginning, in µs UTC."""
    return START + round(hours * HOUR)


def local(hours: float) -> str:
    """The same as a wall time."""
    return (datetime(2026, 10, 5) + timedelta(hours=hours)).isoformat()  # noqa: DTZ001 - a wall time


def frame(schema: pl.Schema, rows: Iterable[Mapping[str, Any]], **usual: Any) -> pl.DataFrame:
    """Rows with what they do not say filled in: texts empty, numbers null."""
    blank = {name: "" if dtype == pl.String else None for name, dtype in schema.items()}
    return pl.DataFrame([{**blank, **usual, **row} for row in rows], schema=schema)


def value(
    kpi: str, day: date, numerator: float | None, denominator: float | None = None, **more: Any
) -> dict[str, Any]:
    """A stored value of a day of l/a."""
    if denominator is None:
        ratio = None if "denominator" in more else numerator
    else:
        ratio = numerator / denominator if numerator is not None and denominator > 0 else None
    start = at(24 * (day - FIRST).days)
    usual = {"scope": "l/a", "grain": "day", "from_us": start, "to_us": start + 24 * HOUR, "completeness": 1.0}
    found = {"kpi": kpi, "production_day": day, "value": ratio, "numerator": numerator, "denominator": denominator}
    return {**usual, **found, "status": "final", "is_final": True, "flags": [], **more}


def values(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(schemas.VALUES, rows)


def interval(begin: float, end: float, time_class: str, sub_class: str = "", **more: Any) -> dict[str, Any]:
    """A state of l/a between two hours."""
    day = FIRST + timedelta(days=int(begin // 24))
    usual = {"asset": "l/a", "production_day": day, "origin": "signal", "original_class": None}
    return {**usual, "from_us": at(begin), "to_us": at(end), "time_class": time_class, "sub_class": sub_class, **more}


def intervals(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(schemas.INTERVALS, rows)


def quality(day: date, rows: int, expected: int = 0, **more: Any) -> dict[str, Any]:
    """Quality of a series of l/a on a day."""
    start = at(24 * (day - FIRST).days)
    usual = {"asset": "l/a", "name": "x", "from_us": start, "to_us": start + 24 * HOUR, "gap_us": 0}
    return {**usual, "production_day": day, "rows": rows, "received": rows, "expected": expected, **more}


def qualities(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(schemas.QUALITY, rows)


def record(kind: str, key: str, begin: float, end: float | None = None, **said: Any) -> dict[str, Any]:
    """A business record between two hours."""
    asset = str(said.pop("asset", "l/a"))
    place = {"kind": kind, "key": key, "asset": asset, "source": str(said.pop("source", "MES"))}
    return {**place, "from_us": at(begin), "to_us": None if end is None else at(end), "payload": json.dumps(said)}


def records(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(schemas.RECORDS, rows)


def facts(**frames: Any) -> Facts:
    """Facts of the two days."""
    return Facts(**{"site": SITE, "first": DAYS[0], "last": DAYS[1], **frames})


def measure(metric: str, found: Facts, scope: str = "machines", **parameters: Any) -> Measured:
    """A metric over the facts; those of data properties say the same of the values that an assessment reads."""
    whole = METRICS[metric].measure(found, scope, parameters)
    if metric.startswith("data."):
        read = ALWAYS | named_by(parameters)
        is_read = (pl.col("grain") == "day") & pl.col("kpi").is_in(read) | pl.format("{}/{}", "grain", "kpi").is_in(
            read
        )
        assert METRICS[metric].measure(replace(found, values=found.values.filter(is_read)), scope, parameters) == whole
    return whole
