"""The values of a batch as columns, each with its outcome: what `ingest.plan` fills and `ingest.account` counts."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ingest.decode.result import Key, Rejection, Value, shown
from ingest.headers import Headers
from ingest.message import Message
from ingest.route import SeriesRef, Source
from ingest.seqs import SeqRun
from model.vocabulary import Quality
from store.raw import EventRow, Rows

STORED, DUPLICATE, CONFLICT, REJECTED = 0, 1, 2, 3
MOST_SHAPES = 64  # sets of names that are remembered of a source; more is no machine but chance
_GOOD = int(Quality.GOOD)

Ints = npt.NDArray[np.int64]
# Message, ref, time, value and quality of each value.
_Five: TypeAlias = tuple[Ints, Ints, Ints, npt.NDArray[np.float64], npt.NDArray[np.int16]]


@dataclass
class PlannedEvent:
    """An event of a message, and what becomes of it."""

    message: int
    row: EventRow
    outcome: int = STORED
    known: bool = False  # a conflict that was kept before


@dataclass
class Plan:
    """All values of a batch as columns, in order of receipt, with their outcomes."""

    messages: Sequence[Message]
    headers: Headers
    message: Ints  # place of the message
    ref: Ints  # index of the series ref; of use while the batch is planned only
    ts_us: Ints
    value: npt.NDArray[np.float64]  # NaN = no value
    quality: npt.NDArray[np.int16]
    outcome: npt.NDArray[np.int8]
    series_id: npt.NDArray[np.int32]
    site_id: npt.NDArray[np.int32]
    lead_us: Ints  # how far a reading reaches back (interval readings with end labels)
    lag_us: Ints  # how far it reaches on
    texts: set[tuple[str, int]] = field(default_factory=set)  # each with the series that says it
    events: list[PlannedEvent] = field(default_factory=list)
    rejections: dict[int, list[Rejection]] = field(default_factory=lambda: defaultdict(list))
    rejected_decoding: Ints = field(default_factory=lambda: np.empty(0, np.int64))  # values refused by the decoder
    event_rejections: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    known_conflicts: list[int] = field(default_factory=list)  # places of those that were kept before
    opened_days: dict[int, set[int]] = field(default_factory=dict)
    runs: list[SeqRun] = field(default_factory=list)  # of sequence numbers
    to_store: Ints = field(default_factory=lambda: np.empty(0, np.int64))  # places of the rows to write, in key order
    known_at: tuple[float, str] = (0.0, "")  # when and where in its changes the registry was looked at; see Resolver

    def rows(self) -> Rows:
        """The readings to write, sorted by series and time."""
        places = self.to_store
        return Rows(self.ts_us[places], self.series_id[places], self.value[places], self.quality[places])

    def refuse(self, places: Ints, why: Callable[[int], Rejection]) -> None:
        """Reject values, each with its sentence."""
        self.outcome[places] = REJECTED
        for place in places.tolist():
            self.rejections[int(self.message[place])].append(why(place))


@dataclass
class Columns:
    """The values of a batch, flattened; `new` are the series that nobody looked up yet."""

    messages: Sequence[Message]
    message: Ints  # place of the message
    ref: Ints  # index of the series ref, -1 where it is new
    ts_us: Ints
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.int16]
    texts: list[tuple[int, str]]  # place and text
    new: dict[SeriesRef, None]
    unusual: list[int]  # messages with more than plain values


@dataclass
class _Rows:
    """What stands in rows: columns of whole rows, the numbers still packed."""

    message: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    refs: list[bytes] = field(default_factory=list)
    numbers: list[bytes] = field(default_factory=list)

    def columns(self) -> _Five:
        sizes = self.sizes
        values = np.frombuffer(bytearray().join(self.numbers))
        return (
            np.repeat(np.array(self.message, np.int64), sizes),
            np.frombuffer(b"".join(self.refs), np.int64),
            np.repeat(np.array(self.times, np.int64), sizes),
            values,
            np.full(len(values), _GOOD, np.int16),
        )


@dataclass
class _Loose:
    """What stands one by one."""

    message: list[int] = field(default_factory=list)
    refs: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)
    texts: list[tuple[int, str]] = field(default_factory=list)

    def columns(self) -> _Five:
        return (
            np.array(self.message, np.int64),
            np.array(self.refs, np.int64),
            np.array(self.times, np.int64),
            np.array(self.numbers, np.float64),
            np.array(self.qualities, np.int16),
        )


def flatten(messages: Sequence[Message]) -> Columns:
    """Lay the values of all messages side by side, in order of receipt; within a message, those of rows come first."""
    rows, loose = _Rows(), _Loose()
    new: dict[SeriesRef, None] = {}
    unusual = []
    own = rows.message.append, rows.sizes.append, rows.times.append, rows.refs.append, rows.numbers.append
    add_message, add_size, add_time, add_refs, add_numbers = own  # looked up once, not for every message
    for place, message in enumerate(messages):
        decoded, source = message.decoded, message.source
        if not source.site_id:
            _refuse_site(message)
            decoded = message.decoded
        if decoded.rejected or decoded.events or decoded.whole is not None:
            unusual.append(place)
        for keys, ts_us, numbers in decoded.rows:
            refs = source.places.get(keys) or _places(source, keys, new)
            add_message(place)
            add_size(len(keys))
            add_time(ts_us)
            add_refs(refs)
            add_numbers(numbers)
        if decoded.values:
            _flatten_values(loose, place, source, decoded.values, new)
    columns, texts = _in_order(rows, loose)
    return Columns(messages, *columns, texts, new, unusual)


def _places(source: Source, keys: tuple[Key, ...], new: dict[SeriesRef, None]) -> bytes:
    """The indexes of the refs of a row, remembered when there is one for each."""
    indexes = []
    for key in keys:
        name, unit = (key, None) if isinstance(key, str) else key
        ref = source.ref(name, unit)
        if ref.index < 0 and ref not in new:
            ref.is_text = False
            ref.source = source  # several topics of a speaker share refs: this one is placed
            new[ref] = None
        indexes.append(ref.index)
    found = np.array(indexes, np.int64).tobytes()
    if min(indexes) >= 0:
        if len(source.places) >= MOST_SHAPES:
            source.places.clear()
        source.places[keys] = found
    return found


def _flatten_values(loose: _Loose, place: int, source: Source, values: list[Value], new: dict[SeriesRef, None]) -> None:
    known = source.refs
    for name, unit, ts_us, value, quality in values:
        ref = known.get(name if unit is None else (name, unit))
        if ref is None or ref.index < 0:
            ref = source.ref(name, unit)
            if ref not in new:
                ref.is_text = ref.is_text or isinstance(value, str)
                ref.source = source
                new[ref] = None
        if type(value) is float:
            loose.numbers.append(value)
        else:
            if value is not None:
                loose.texts.append((len(loose.refs), value))  # type: ignore[arg-type]
            loose.numbers.append(math.nan)
        loose.refs.append(ref.index)
        loose.times.append(ts_us)
        loose.qualities.append(quality)
    loose.message.extend([place] * len(values))


def _in_order(rows: _Rows, loose: _Loose) -> tuple[_Five, list[tuple[int, str]]]:
    """The columns of both kinds in order of the messages, and the places of the texts in them."""
    if not rows.message:
        return loose.columns(), loose.texts
    if not loose.message:
        return rows.columns(), []
    pairs: Iterable[Any] = zip(rows.columns(), loose.columns(), strict=True)
    joined: list[npt.NDArray[Any]] = [np.concatenate(pair) for pair in pairs]
    order = np.argsort(joined[0], kind="stable")  # two ordered halves: no more than a merge
    where = np.empty(len(order), np.int64)
    where[order] = np.arange(len(order))
    moved = where[len(order) - len(loose.message) :].tolist()
    message, ref, ts_us, value, quality = (column[order] for column in joined)
    return (message, ref, ts_us, value, quality), [(moved[place], text) for place, text in loose.texts]


def _refuse_site(message: Message) -> None:
    """Nothing of a message for an unknown site is stored."""
    if message.decoded.whole is None:
        site = message.source.site
        detail = f"site {shown(site)} is not known here: add it with `haidang site apply FILE`"
        message.decoded = type(message.decoded)(whole=Rejection("unknown_site", detail, 0))


def same_value(plan: Plan, one: int, other: int) -> bool:
    """Whether two values of a batch are the same, no value being like no value."""
    a, b = plan.value[one], plan.value[other]
    return bool((a == b or (math.isnan(a) and math.isnan(b))) and plan.quality[one] == plan.quality[other])


def number(value: float) -> float | None:
    """A value as JSON shows it."""
    return None if math.isnan(value) else float(value)


def add_conflict(plan: Plan, place: int, stored: Any) -> None:
    """Note that a value differs from what is stored under its key."""
    plan.conflicts.append(
        {
            "site_id": int(plan.site_id[place]),
            "series_id": int(plan.series_id[place]),
            "asset_id": None,
            "event_kind": None,
            "event_key": None,
            "ts_us": int(plan.ts_us[place]),
            "stored": stored,
            "received": {"value": number(plan.value[place]), "quality": int(plan.quality[place])},
            "of": place,
        }
    )
