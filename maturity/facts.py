"""What is known of a site in a window of production days: the frames that metrics read, whoever provides them.

The database gives them (`maturity.reading`), and a package gives the same ones, so that an evaluation can be repeated
without a database. Times are int64 µs UTC, shares fractions, durations seconds unless a name says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from kpi import frames
from model.calendar import production_day_windows
from model.registry import Asset, Site

_DAY = "production_day"


def _schema(columns: Mapping[str, Any]) -> pl.Schema:
    return pl.Schema(columns)


VALUES = _schema(
    {
        "scope": pl.String,
        "kpi": pl.String,
        "variant": pl.String,
        "grain": pl.String,  # shift, day, job or product
        "production_day": pl.Date,
        "shift": pl.String,
        "job": pl.String,
        "product": pl.String,
        "from_us": pl.Int64,
        "to_us": pl.Int64,
        "value": pl.Float64,
        "numerator": pl.Float64,
        "denominator": pl.Float64,
        "coverage": pl.Float64,
        "completeness": pl.Float64,
        "status": pl.String,
        "is_final": pl.Boolean,
        "flags": pl.List(pl.String()),
        "computed_us": pl.Int64,
    }
)
# Of an annotation only the class that it replaced is read; null where there is none.
_NOT_READ = ("original_sub_class", "original_reason")
INTERVALS = _schema({name: dtype for name, dtype in frames.INTERVALS.items() if name not in _NOT_READ})
QUALITY = _schema(
    {
        "asset": pl.String,
        "name": pl.String,
        "production_day": pl.Date,
        "from_us": pl.Int64,
        "to_us": pl.Int64,
        "rows": pl.Int64,
        "received": pl.Int64,
        "expected": pl.Int64,
        "gaps": pl.Int64,
        "gap_us": pl.Int64,
        "flat_us": pl.Int64,
        "out_of_range": pl.Int64,
    }
)
LEDGER = _schema(
    {
        "device": pl.String,
        "hour_us": pl.Int64,
        "received": pl.Int64,
        "rejected": pl.Int64,
        "stored": pl.Int64,
        "latency": pl.List(pl.Int64()),  # counts per bin of model.ledger.LATENCY_BOUNDS_MS
        "skew": pl.List(pl.Int64()),  # counts per bin of model.ledger.SKEW_BOUNDS_MS
    }
)
DEVICES = _schema(
    {
        "device": pl.String,
        "asset": pl.String,
        "protocol": pl.String,
        "encrypted": pl.Boolean,  # null = not known
        "authenticated": pl.Boolean,
        "first_seen_us": pl.Int64,
        "last_seen_us": pl.Int64,
    }
)
RECORDS = _schema(
    {
        "kind": pl.String,
        "key": pl.String,
        "asset": pl.String,
        "from_us": pl.Int64,
        "to_us": pl.Int64,  # null = open
        "payload": pl.String,  # JSON
        "source": pl.String,
    }
)
EVENTS = _schema(
    {
        "asset": pl.String,
        "ts_us": pl.Int64,
        "kind": pl.String,
        "key": pl.String,
        "from_us": pl.Int64,
        "to_us": pl.Int64,
        "payload": pl.String,  # JSON
    }
)
ALERTS = _schema(
    {
        "asset": pl.String,
        "rule": pl.String,
        "from_us": pl.Int64,
        "to_us": pl.Int64,  # null = open
        "acknowledged_us": pl.Int64,  # null = not yet
        "detail": pl.String,  # JSON
    }
)
PREDICTIONS = _schema(
    {
        "asset": pl.String,
        "model": pl.String,
        "made_us": pl.Int64,
        "for_us": pl.Int64,
        "value": pl.Float64,
        "detail": pl.String,  # JSON
    }
)
RUNS = _schema({"first": pl.Date, "last": pl.Date, "finished_us": pl.Int64})  # of the KPI job
OPENED = _schema({"ts_us": pl.Int64, "action": pl.String})  # what people looked at, from the audit log
SERIES = _schema(
    {
        "asset": pl.String,
        "name": pl.String,
        "quantity": pl.String,
        "unit": pl.String,
        "kind": pl.String,
        "expected_period_us": pl.Int64,
        "status": pl.String,  # proposed, active or retired
        "first_seen_us": pl.Int64,
        "has_readings": pl.Boolean,
    }
)

# Every frame of the facts by its name.
FRAMES = {
    "values": VALUES,
    "intervals": INTERVALS,
    "quality": QUALITY,
    "ledger": LEDGER,
    "devices": DEVICES,
    "records": RECORDS,
    "events": EVENTS,
    "series": SERIES,
    "alerts": ALERTS,
    "predictions": PREDICTIONS,
    "opened": OPENED,
    "runs": RUNS,
}


def empty(schema: pl.Schema) -> pl.DataFrame:
    """A frame without rows."""
    return pl.DataFrame(schema=schema)


@dataclass(frozen=True)
class Declared:
    """What somebody of the site said, under the name of a `declared.` metric, with a digest of the attachment."""

    name: str
    value: float | None
    statement: str
    attachment: str | None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A window of production days, both included; frames hold this window only."""

    site: Site
    first: date
    last: date
    values: pl.DataFrame = field(default_factory=lambda: empty(VALUES))
    intervals: pl.DataFrame = field(default_factory=lambda: empty(INTERVALS))
    quality: pl.DataFrame = field(default_factory=lambda: empty(QUALITY))
    ledger: pl.DataFrame = field(default_factory=lambda: empty(LEDGER))
    devices: pl.DataFrame = field(default_factory=lambda: empty(DEVICES))
    records: pl.DataFrame = field(default_factory=lambda: empty(RECORDS))
    events: pl.DataFrame = field(default_factory=lambda: empty(EVENTS))
    series: pl.DataFrame = field(default_factory=lambda: empty(SERIES))
    alerts: pl.DataFrame = field(default_factory=lambda: empty(ALERTS))
    predictions: pl.DataFrame = field(default_factory=lambda: empty(PREDICTIONS))
    opened: pl.DataFrame = field(default_factory=lambda: empty(OPENED))
    runs: pl.DataFrame = field(default_factory=lambda: empty(RUNS))
    declared: Mapping[str, Declared] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """Number of production days."""
        return (self.last - self.first).days + 1

    @property
    def bounds_us(self) -> tuple[int, int]:
        """Beginning of the site's first production day and end of its last one (µs UTC)."""
        days = production_day_windows(self.site, "", self.first, self.last + timedelta(days=1))
        return days[0].from_us, days[-1].to_us

    def by_day(self) -> "Facts":
        """The same facts with the large frames in order of days, of which a window is a slice and not a search."""
        values, intervals, quality = (
            rows.sort(_DAY, maintain_order=True) for rows in (self.values, self.intervals, self.quality)
        )
        return replace(self, values=values, intervals=intervals, quality=quality)

    def window(self, first: date, last: date) -> "Facts":
        """The facts of some of the days; devices, series and declarations are those of the whole."""
        cut = replace(self, first=first, last=last)
        low, high = cut.bounds_us
        return replace(
            cut,
            values=_of_days(self.values, first, last),
            intervals=_of_days(self.intervals, first, last),
            quality=_of_days(self.quality, first, last),
            ledger=self.ledger.filter(pl.col("hour_us") >= low, pl.col("hour_us") < high),
            records=self.records.filter(pl.col("from_us") < high, pl.col("to_us").fill_null(high) >= low),
            events=self.events.filter(pl.col("ts_us") >= low, pl.col("ts_us") < high),
            alerts=self.alerts.filter(pl.col("from_us") >= low, pl.col("from_us") < high),
            predictions=self.predictions.filter(pl.col("made_us") < high, pl.col("for_us") >= low),
            opened=self.opened.filter(pl.col("ts_us") >= low, pl.col("ts_us") < high),
        )

    def assets_of(self, scope: str) -> tuple[str, ...]:
        """Resolve the scope that a condition names.

        `machines` are the work units, `critical_machines` those marked critical (all when none is), `lines` the
        lines, `site` the site itself, `constraints` the constraint of each line that names one.
        """
        assets = self.site.assets
        match scope:
            case "site":
                return ("",)
            case "lines":
                return tuple(each.key for each in assets if each.level == "line")
            case "machines":
                return tuple(each.key for each in assets if is_machine(each))
            case "critical_machines":
                critical = tuple(each.key for each in assets if is_machine(each) and each.critical)
                return critical or self.assets_of("machines")
            case "constraints":
                return tuple(_constraint_of(each, assets) for each in assets if each.constraint_key)
        raise KeyError(scope)


def _of_days(rows: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Rows of some production days; a slice where they are known to be in order."""
    days = rows[_DAY]
    if not days.flags["SORTED_ASC"] or days.null_count():
        return rows.filter(pl.col(_DAY).is_between(first, last))
    low, high = days.search_sorted(first, "left"), days.search_sorted(last, "right")
    return rows.slice(low, high - low)


SCOPES = ("site", "lines", "machines", "critical_machines", "constraints")


def is_machine(asset: Asset) -> bool:
    """A work unit that makes something; meters hang on the tree as units too."""
    return asset.level == "unit" and asset.kind != "meter"


def _constraint_of(line: Asset, assets: tuple[Asset, ...]) -> str:
    inside = f"{line.key}/{line.constraint_key}".strip("/")
    return inside if any(each.key == inside for each in assets) else str(line.constraint_key)
