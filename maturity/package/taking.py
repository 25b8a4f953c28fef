"""Raw inputs of a package from the database: readings day by day, checked against the log, and what else is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from kpi.compute import read_range
from kpi.compute.signals import in_order
from kpi.frames import READINGS, SYMBOLS, conform, empty
from kpi.running.work import DAY
from maturity.context_reading import read_context
from maturity.day_context import Context
from maturity.errors import PackageError
from maturity.package import layout
from maturity.package.margins import Margin, starts_of
from maturity.package.parquet import to_parquet
from maturity.package.periods import bounds_of
from maturity.package.recompute import series_key
from maturity.package.rows import digested
from model.canonical import canonical_json
from model.instants import micros
from model.registry import Site
from store import inputs
from store.pool import Connection

FREE_TEXT = "text"  # quantity of texts that nothing is computed from: they stay at home, their digests are packed
Raw = Mapping[date, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class RawTaken:
    """What is taken: days of a site, registries of the first and the last one, what the log says of the rows, and days
    that were never computed.
    """

    site_id: int
    days: tuple[date, ...]
    first: Site
    last: Site
    logged: Raw
    margins: tuple[Margin, ...] = ()


@dataclass
class Readings:
    """Readings members, what they name, and when the last of their rows came (µs UTC)."""

    members: dict[str, bytes | Path] = field(default_factory=dict)
    rows: int = 0
    until_us: int = 0
    series: pl.DataFrame = field(default_factory=lambda: empty(layout.SERIES))
    symbols: set[int] = field(default_factory=set)


def take_readings(connection: Connection, reader: Any, wanted: RawTaken, folder: Path) -> Readings:
    """Write the readings of each day, and those just before and after that its KPIs need.

    Raises:
        PackageError: the rows are not those that the log recorded.
    """
    found = Readings(series=_series(connection, wanted))
    taking = _Taking(connection, reader, wanted, folder, found)
    for day in wanted.days:
        taking.day(day)
    for margin in wanted.margins:
        taking.margin(margin)
    taking.outside()
    found.members[layout.SERIES_FILE] = to_parquet(conform(found.series, layout.SERIES))
    return found


def take_context(
    connection: Connection, site_id: int, days: tuple[date, ...], sites: tuple[Site, Site], taken: Readings
) -> Context:
    """Read events, corrections, business records, texts, and what the day before the first one handed on."""
    wide = inputs.Range(read_range(sites[0], days[:1])[0], read_range(sites[1], days[-1:])[1])
    symbols = inputs.symbols(connection).filter(pl.col("symbol_id").is_in(sorted(taken.symbols)))
    found = read_context(connection, site_id, wide, days[0], conform(symbols, SYMBOLS))
    return replace(found, records=found.records_of(*bounds_of(*sites, days)))


def context_members(context: Context) -> dict[str, bytes]:
    """Write it."""
    tables = {layout.raw_table(name): to_parquet(getattr(context, name)) for name in layout.RAW_TABLES}
    return {**tables, layout.CARRY: canonical_json(context.carry)}


@dataclass(frozen=True)
class _Taking:
    connection: Connection
    reader: Any
    wanted: RawTaken
    folder: Path
    found: Readings

    def day(self, day: date) -> None:
        """Write the rows of a production day as the log recorded them."""
        logged = self.wanted.logged.get(day, {})
        if not logged:
            return
        bounds = self._bounds({key: (_us(each["from"]), _us(each["to"])) for key, each in logged.items()})
        whole = inputs.Range(int(bounds["low"].min() or 0), int(bounds["high"].max() or 0))  # type: ignore[arg-type]
        rows = self._rows(whole).join(bounds, on="series_id")
        rows = in_order(
            rows.filter(pl.col("ts") >= pl.col("low"), pl.col("ts") < pl.col("high")).select(READINGS.names())
        )
        self._check(day, rows, logged)
        self._write(layout.readings_of(day), rows)

    def margin(self, margin: Margin) -> None:
        """Write what the days beside them read of days that were never computed."""
        inside = self._at(margin.begins()).join(self._at(margin.ends()), on="series_id", suffix="_end")
        read = [self._rows(inputs.Range(low, max(high, low + 1))) for low, high in margin.reads()]
        rows = pl.concat([empty(READINGS), *read]).unique(["series_id", "ts"]).join(inside, on="series_id")
        found = rows.filter(pl.col("ts") >= pl.col("at"), pl.col("ts") < pl.col("at_end"))
        if len(found):
            self._write(layout.margin_of(margin.first), in_order(found.select(READINGS.names())))

    def outside(self) -> None:
        """Write what lies just before the first day and just after the last one of each series."""
        wanted = self.wanted
        low, high = starts_of(wanted.first, wanted.days[0]), starts_of(wanted.last, wanted.days[-1] + DAY)
        begin, end = read_range(wanted.first, wanted.days[:1])[0], read_range(wanted.last, wanted.days[-1:])[1]
        before = self._rows(inputs.Range(begin, max(low.values())))
        after = self._rows(inputs.Range(min(high.values()), end))
        earlier = before.join(self._at(low), on="series_id").filter(pl.col("ts") < pl.col("at"))
        later = after.join(self._at(high), on="series_id").filter(pl.col("ts") >= pl.col("at"))
        self.found.until_us = max(end, int(later["ts"].max() or 0) + 1)  # type: ignore[arg-type]
        self._write(layout.BEFORE, in_order(earlier.select(READINGS.names())))
        self._write(layout.AFTER, in_order(later.select(READINGS.names())))

    def _at(self, instants: Mapping[str, int]) -> pl.DataFrame:
        """An instant of each series, that of its asset; null where the registry does not know the asset."""
        asset = pl.col("asset").replace_strict(instants, default=None, return_dtype=pl.Int64)
        return self.found.series.select("series_id", asset.alias("at"))

    def _bounds(self, of: Mapping[str, tuple[int, int]]) -> pl.DataFrame:
        ids = dict(self.found.series.select("series_key", "series_id").iter_rows())
        if unknown := set(of) - set(ids):
            raise PackageError(f"The log recorded rows of {min(unknown)}, which is no series of the site any more.")
        rows = [(ids[key], low, high) for key, (low, high) in of.items()]
        return pl.DataFrame(rows, {"series_id": pl.Int32, "low": pl.Int64, "high": pl.Int64}, orient="row")

    def _rows(self, span: inputs.Range) -> pl.DataFrame:
        ids = self.found.series["series_id"].to_list()
        batches = inputs.readings(self.connection, self.reader, ids, span)
        frames = [conform(pl.DataFrame(pl.from_arrow(batch)), READINGS) for batch in batches if len(batch)]
        return pl.concat([empty(READINGS), *frames]).unique(["series_id", "ts"])

    def _check(self, day: date, rows: pl.DataFrame, logged: Mapping[str, Mapping[str, Any]]) -> None:
        have = digested(rows)
        ids = dict(self.found.series.select("series_key", "series_id").iter_rows())
        for key, said in logged.items():
            rows_of = have.get(ids[key])
            if rows_of is None or rows_of.sha256 != said["sha256"]:
                raise PackageError(
                    f"The rows of {key} on {day} are not those that the evidence log recorded. If data came late, "
                    "`haidang kpi run` and then `haidang evidence append` bring both up to date."
                )

    def _write(self, name: str, rows: pl.DataFrame) -> None:
        keys = self.found.series.select("series_id", "series_key", "kind", "quantity")
        named = rows.join(keys, on="series_id", maintain_order="left")
        is_read = (pl.col("kind") == "state") & (pl.col("quantity") != FREE_TEXT)
        states = named.filter(is_read, pl.col("value").is_not_null(), pl.col("value").is_not_nan())
        self.found.symbols.update(map(int, states["value"].unique()))
        path = self.folder / name.replace("/", "_")
        path.write_bytes(to_parquet(named.select(layout.READINGS.names())))
        self.found.members[name] = path
        self.found.rows += len(rows)


def _series(connection: Connection, wanted: RawTaken) -> pl.DataFrame:
    """Series of the registries, and those of which the log recorded rows."""
    every = inputs.series(connection, wanted.site_id)
    site = wanted.first.key
    keys = [series_key(site, asset, name) for asset, name in every.select("asset", "name").iter_rows()]
    known = {series_key(site, each.asset, each.name) for of in (wanted.first, wanted.last) for each in of.series}
    known.update(key for series in wanted.logged.values() for key in series)
    found = every.with_columns(series_key=pl.Series(keys, dtype=pl.String))
    return found.filter(pl.col("series_key").is_in(sorted(known))).sort("series_key")


def _us(text: str) -> int:
    return micros(datetime.fromisoformat(text))
