"""The values of a batch as columns, each with its outcome: what `ingest.plan` fills and `ingest.account` counts."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.decode.result import Rejection, shown
from ingest.message import Message
from ingest.route import SeriesRef
from store.raw import EventRow, Rows

STORED, DUPLICATE, CONFLICT, REJECTED = 0, 1, 2, 3

Ints = npt.NDArray[np.int64]


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
    message: Ints  # place of the message
    ref: Ints  # index of the series ref
    ts_us: Ints
    value: npt.NDArray[np.float64]  # NaN = no value
    quality: npt.NDArray[np.int16]
    outcome: npt.NDArray[np.int8]
    series_id: npt.NDArray[np.int32]
    site_id: npt.NDArray[np.int32]
    texts: set[str] = field(default_factory=set)
    events: list[PlannedEvent] = field(default_factory=list)
    rejections: dict[int, list[Rejection]] = field(default_factory=lambda: defaultdict(list))
    rejected_decoding: Ints = field(default_factory=lambda: np.empty(0, np.int64))  # values refused by the decoder
    event_rejections: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    known_conflicts: list[int] = field(default_factory=list)  # places of those that were kept before
    opened_days: dict[int, set[int]] = field(default_factory=dict)
    to_store: Ints = field(default_factory=lambda: np.empty(0, np.int64))  # places of the rows to write, in key order

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
    counts: list[int] = field(default_factory=list)
    refs: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)
    texts: list[tuple[int, str]] = field(default_factory=list)  # place and text
    new: dict[SeriesRef, None] = field(default_factory=dict)
    unusual: list[int] = field(default_factory=list)  # messages with more than plain values


def flatten(messages: Sequence[Message]) -> Columns:
    """Lay the values of all messages side by side, in order of receipt."""
    result = Columns(messages)
    refs, times, numbers, qualities, counts = (
        *(result.refs, result.times, result.numbers, result.qualities, result.counts),
    )
    for number_, message in enumerate(messages):
        decoded, source = message.decoded, message.source
        if not source.site_id:
            _refuse_site(message)
            decoded = message.decoded
        if decoded.rejected or decoded.events or decoded.whole is not None:
            result.unusual.append(number_)
        known = source.refs
        for name, unit, ts_us, value, quality in decoded.values:
            ref = known.get(name if unit is None else (name, unit))
            if ref is None or ref.index < 0:
                ref = source.ref(name, unit)
                ref.is_text = isinstance(value, str)
                result.new.setdefault(ref)
            if type(value) is float:
                numbers.append(value)
            else:
                if value is not None:
                    result.texts.append((len(refs), value))  # type: ignore[arg-type]
                numbers.append(math.nan)
            refs.append(ref.index)
            times.append(ts_us)
            qualities.append(quality)
        counts.append(len(decoded.values))
    return result


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


# -- events -----------------------------------------------------------------------------------------
