"""Names to ids: sites, assets, devices, series, symbols. Reads the registry, proposes what is new.

Belongs to the writer's thread. What it adds is committed before the batch that needs it, and is remembered only then.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from ingest.decode.result import Rejection, shown
from ingest.mapping import ValueRule
from ingest.message import Message
from ingest.route import MOST_TOPICS, SeriesRef, Source
from model.units import (
    IDENTITY,
    Conversion,
    DimensionError,
    Guess,
    UnitError,
    conversion,
    guess,
    quantity_of_unit,
    require_known,
)
from model.vocabulary import QUANTITIES, SeriesKind, symbol_id
from store import raw_registry
from store.pool import Connection
from store.raw_registry import Registry, SeriesRow

REFRESH_S = 5.0
RETRY_S = 1.0
SHARE_OF_TIME = 0.02  # a registry so large that reading it takes long is read less often
MOST_SERIES_PER_ASSET = 2_000
MOST_SYMBOLS = 200_000
MOST_REFS = 100_000  # names that are remembered beside those of registered series, refused ones among them
LONGEST_NAME = 100
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-")

Floats = npt.NDArray[np.float64]


class SeriesTable:
    """What is known of every series ref, as columns indexed by `SeriesRef.index`."""

    def __init__(self) -> None:
        self.refs: list[SeriesRef] = []
        self.refusals: dict[int, Rejection] = {}
        self._size = 0
        self._grow(1024)

    def _grow(self, size: int) -> None:
        for name, dtype in (
            *(("series_id", np.int32), ("site_id", np.int32), ("scale", np.float64), ("offset", np.float64)),
            *(("is_text", np.bool_), ("refused", np.bool_), ("lead_us", np.int64), ("lag_us", np.int64)),
        ):
            column = np.zeros(size, dtype)
            if self._size:
                column[: self._size] = getattr(self, name)
            setattr(self, name, column)
        self._size = size

    series_id: npt.NDArray[np.int32]
    site_id: npt.NDArray[np.int32]
    scale: Floats
    offset: Floats
    is_text: npt.NDArray[np.bool_]
    refused: npt.NDArray[np.bool_]
    lead_us: npt.NDArray[np.int64]
    lag_us: npt.NDArray[np.int64]

    def add(self, ref: SeriesRef) -> None:
        """Give a ref its place."""
        if len(self.refs) == self._size:
            self._grow(self._size * 2)
        ref.index = len(self.refs)
        self.refs.append(ref)

    def refuse(self, ref: SeriesRef, why: Rejection) -> None:
        """Values of this ref are not stored."""
        self.refused[ref.index] = True
        self.refusals[ref.index] = why

    def accept(self, ref: SeriesRef, row: SeriesRow, convert: Conversion) -> None:
        """Values of this ref go to a series."""
        index = ref.index
        self.refused[index] = False
        self.refusals.pop(index, None)
        self.series_id[index], self.site_id[index] = row.series_id, ref.source.site_id
        self.scale[index], self.offset[index] = convert.scale, convert.offset
        self.is_text[index] = row.kind == SeriesKind.STATE
        interval_us = row.interval_us or 0 if row.kind == SeriesKind.DELTA else 0
        self.lead_us[index] = interval_us if row.interval_label == "end" else 0
        self.lag_us[index] = interval_us if row.interval_label == "start" else 0


class Resolver:
    """Keeps the registry at hand, not older than a few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.table = SeriesTable()
        self._clock = clock
        self._registry = Registry({}, {}, {}, {})
        self._read_at = -float("inf")
        self._took_s = 0.0
        self._symbols: set[int] = set()
        self._sources: set[Source] = set()
        self._series_of: Counter[int] = Counter()

    def person_key(self, source: Source) -> bytes | None:
        """The key of the pseudonyms of a source's site."""
        site = self._registry.sites.get(source.site)
        return site.person_key if site else None

    def refresh(self, connection: Connection, *, at_least_s: float = REFRESH_S) -> None:
        """Read the registry again when it is older than that; every series is then looked at again."""
        age = self._clock() - self._read_at
        if age < max(at_least_s, self._took_s / SHARE_OF_TIME):
            return
        began = self._clock()
        self._registry = raw_registry.read(connection)
        connection.commit()
        self._read_at = self._clock()
        self._took_s = self._read_at - began
        self._series_of = Counter(asset_id for asset_id, _ in self._registry.series)
        for source in self._sources:
            self._place_source(source)
        for ref in self.table.refs:
            self._place(ref)

    def place_sources(self, connection: Connection, messages: Iterable[Message]) -> None:
        """Make sure that the sources of these messages are known; those of unknown sites stay without ids."""
        self._bound()
        self.refresh(connection)
        unknown: dict[Source, Message] = {}
        for message in messages:
            source = message.source
            if source.device_id or not source.site:
                continue
            # A source that only ever sent rubbish is no device, but its site may see the rubbish.
            if source not in unknown or unknown[source].decoded.whole is not None:
                unknown[source] = message
        if any(source.site not in self._registry.sites for source in unknown):
            self.refresh(connection, at_least_s=RETRY_S)
        for source, message in unknown.items():
            if not self._place_source(source) and message.decoded.whole is None:
                self._register_source(connection, source, message.received_us)

    def _bound(self) -> None:
        """Forget names and sources when they are too many; each is looked up again with its next message."""
        if len(self.table.refs) > MOST_REFS + 2 * len(self._registry.series):
            for ref in self.table.refs:
                ref.index = -1
                ref.source.forget()
            self.table = SeriesTable()
        if len(self._sources) > MOST_TOPICS:
            for source in self._sources:
                source.device_id = 0
            self._sources.clear()

    def register(self, connection: Connection, refs: Iterable[SeriesRef]) -> None:
        """Look up new series, and propose those that nobody registered."""
        for ref in refs:
            self._register_series(connection, ref)
        connection.commit()

    def add_symbols(self, connection: Connection, texts: Iterable[str]) -> None:
        """Register the texts of states."""
        new = {symbol_id(text): text for text in texts}
        new = {number: text for number, text in new.items() if number not in self._symbols}
        if not new:
            return
        raw_registry.add_symbols(connection, new)
        connection.commit()
        if len(self._symbols) + len(new) > MOST_SYMBOLS:
            self._symbols.clear()
        self._symbols.update(new)

    def _place_source(self, source: Source) -> bool:
        site = self._registry.sites.get(source.site)
        source.site_id = site.site_id if site else 0
        source.asset_id = self._registry.assets.get((source.site_id, source.asset), 0)
        source.device_id = self._registry.devices.get((source.site_id, source.device), 0)
        return bool(source.site_id and source.asset_id and source.device_id)

    def _register_source(self, connection: Connection, source: Source, seen_us: int) -> None:
        if not source.site_id:
            return
        self._sources.add(source)
        if not source.asset_id:
            for path, number in raw_registry.add_asset(connection, source.site_id, source.asset).items():
                self._registry.assets[source.site_id, path] = number
        asset_id = self._registry.assets[source.site_id, source.asset]
        row = {"site_id": source.site_id, "asset_id": asset_id, "key": source.device, "protocol": source.protocol}
        device_id = raw_registry.add_device(connection, {**row, "seen_us": seen_us})
        connection.commit()
        self._registry.devices[source.site_id, source.device] = device_id
        self._place_source(source)

    def _place(self, ref: SeriesRef) -> None:
        """Bind a ref to the registered series of its name, if there is one."""
        row = self._registry.series.get((ref.source.asset_id, ref.name))
        if row is None:
            if ref.index not in self.table.refusals:
                ref.index = -1  # its series is gone: the next value registers it anew
            return
        try:
            self.table.accept(ref, row, conversion_to(ref, row))
        except UnitError as error:
            self.table.refuse(ref, unit_problem(ref, error))

    def _register_series(self, connection: Connection, ref: SeriesRef) -> None:
        known = (ref.source.asset_id, ref.name) in self._registry.series
        problem = None if known else name_problem(ref.name, self._series_of[ref.source.asset_id])
        row = None if known or problem else proposal(ref)
        if isinstance(row, Rejection):
            problem, row = row, None
        if row is not None:
            row = {
                **row,
                "site_id": ref.source.site_id,
                "asset_id": ref.source.asset_id,
                "device_id": ref.source.device_id,
            }
            added = raw_registry.add_series(connection, row)
            connection.commit()
            self._registry.series[ref.source.asset_id, ref.name] = added
            self._series_of[ref.source.asset_id] += 1
        self.table.add(ref)
        if problem:
            self.table.refuse(ref, problem)
        else:
            self._place(ref)


def name_problem(name: str, registered: int) -> Rejection | None:
    """Why no series can be made of a name, if so; the asset has so many already."""
    if not name or len(name) > LONGEST_NAME or not set(name) <= _NAME_CHARACTERS:
        return Rejection("bad_name", f"{shown(name)} cannot be a name: letters, digits and _ . : - up to 100 of them")
    if registered >= MOST_SERIES_PER_ASSET:
        return Rejection("too_many_series", f"this asset has {registered:,} names already")
    return None


def conversion_to(ref: SeriesRef, row: SeriesRow) -> Conversion:
    """How values of a ref become values of a registered series.

    Raises:
        UnitError: the unit is not known or measures something else.
    """
    if row.kind == SeriesKind.STATE:
        if ref.unit:
            raise DimensionError(f"unit {ref.unit!r} was given for a text")
        return IDENTITY
    unit = ref.unit
    if unit is None:
        found = guess(ref.name)
        unit = found.unit if found.quantity == row.quantity else ""
    if row.quantity == "number" and not row.unit:
        return IDENTITY
    return conversion(unit, row.quantity, row.unit)


def unit_problem(ref: SeriesRef, error: UnitError) -> Rejection:
    """The refusal that a unit is worth."""
    code = "wrong_unit" if isinstance(error, DimensionError) else "unknown_unit"
    return Rejection(code, f"{ref.name}: {error}")


def proposal(ref: SeriesRef) -> dict[str, object] | Rejection:
    """The series that an unknown name is proposed as, or why none can be made of it."""
    if ref.rule is not None:
        return _row_of_rule(ref, ref.rule)
    found = guess(ref.name)
    if found.quantity == "number" and ref.is_text:
        found = Guess("text", "")
    elif found.quantity == "number" and ref.unit:
        found = Guess(quantity_of_unit(ref.unit), ref.unit)
    quantity = QUANTITIES[found.quantity]
    try:
        if ref.unit and quantity.name == "number":
            require_known(ref.unit, ref.name)
        elif ref.unit:
            conversion(ref.unit, quantity.name, quantity.unit)
    except UnitError as error:
        return unit_problem(ref, error)
    unit = ref.unit or "" if quantity.name == "number" else quantity.unit
    return _row(ref, quantity.name, found.qualifier, unit, quantity.kind)


def _row_of_rule(ref: SeriesRef, rule: ValueRule) -> dict[str, object]:
    quantity = QUANTITIES[rule.quantity]
    unit = quantity.unit or rule.unit
    row = _row(ref, rule.quantity, rule.qualifier, unit, rule.series_kind)
    if rule.interval_s is not None:
        row["interval_us"], row["interval_label"] = round(rule.interval_s * 1_000_000), rule.interval_label
    return row


def _row(ref: SeriesRef, quantity: str, qualifier: str, unit: str, kind: SeriesKind) -> dict[str, object]:
    return {
        "name": ref.name,
        "quantity": quantity,
        "qualifier": qualifier,
        "unit": unit,
        "kind": kind,
        "interval_us": None,
        "interval_label": None,
    }
