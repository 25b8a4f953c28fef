"""A batch of messages and what is known of their series in, one plan of what to write out. Pure.

Every value gets exactly one outcome; what the database finds out later (stored before, differs) is added to the same
columns, so the accounts of `ingest.account` cannot lose one.
"""

import hashlib
import hmac
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from ingest.decode.result import Event, Person, Rejection, shown
from ingest.limits import DAY_US, HOUR_US, DayQuota, Limits
from ingest.message import Message
from ingest.resolve import SeriesTable
from ingest.route import SeriesRef, Source
from model.vocabulary import symbol_id
from store.raw import EventRow, Rows

STORED, DUPLICATE, CONFLICT, REJECTED = 0, 1, 2, 3

Ints = npt.NDArray[np.int64]
PersonKey = Callable[[Source], bytes | None]


@dataclass
class PlannedEvent:
    """An event of a message, and what becomes of it."""

    message: int
    row: EventRow
    outcome: int = STORED


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


def make_plan(columns: Columns, table: SeriesTable, limits: Limits, quota: DayQuota, person_key: PersonKey) -> Plan:
    """Decide about every value and event of a batch as far as it can be known without the database."""
    plan = _plan(columns, table)
    _refuse_unknown(plan, table)
    _place_texts(plan, columns.texts, table, limits, person_key)
    _convert(plan, table)
    _check_times(plan, limits)
    _plan_events(plan, columns.unusual, limits, person_key)
    _check_days(plan, quota)
    _find_repeats(plan)
    _find_repeated_events(plan)
    return plan


def _plan(columns: Columns, table: SeriesTable) -> Plan:
    messages = columns.messages
    ref = np.array(columns.refs, np.int64)
    plan = Plan(
        messages=messages,
        message=np.repeat(np.arange(len(messages)), columns.counts),
        ref=ref,
        ts_us=np.array(columns.times, np.int64),
        value=np.array(columns.numbers, np.float64),
        quality=np.array(columns.qualities, np.int16),
        outcome=np.zeros(len(ref), np.int8),
        series_id=table.series_id[ref],
        site_id=table.site_id[ref],
        rejected_decoding=np.zeros(len(messages), np.int64),
        event_rejections=np.zeros(len(messages), np.int64),
    )
    for place in columns.unusual:
        rejected = messages[place].decoded.rejected
        if rejected:
            plan.rejections[place].extend(rejected)
            plan.rejected_decoding[place] = sum(rejection.values for rejection in rejected)
    return plan


def _refuse_site(message: Message) -> None:
    """Nothing of a message for an unknown site is stored."""
    if message.decoded.whole is None:
        site = message.source.site
        detail = f"site {shown(site)} is not known here: add it with `haidang site apply FILE`"
        message.decoded = type(message.decoded)(whole=Rejection("unknown_site", detail, 0))


def _refuse_unknown(plan: Plan, table: SeriesTable) -> None:
    refused = np.flatnonzero(table.refused[plan.ref])
    if len(refused):
        plan.refuse(refused, lambda place: table.refusals[int(plan.ref[place])])


def _place_texts(
    plan: Plan, special: list[tuple[int, str]], table: SeriesTable, limits: Limits, person_key: PersonKey
) -> None:
    """Texts become symbol numbers; a number where a text belongs, or the other way, is refused."""
    is_text = table.is_text[plan.ref]
    for place, value in special:
        if plan.outcome[place] == REJECTED:
            continue
        text = value
        source = plan.messages[int(plan.message[place])].source
        problem = None if is_text[place] else _not_a_number(table, plan, place, text)
        if problem is None and type(text) is Person:
            key = person_key(source)
            problem = None if key else Rejection("no_person_key", f"site {source.site} has no key for pseudonyms")
            text = pseudonym(text, key or b"")
        problem = problem or _text_problem(text, limits)
        if problem:
            plan.refuse(np.array([place]), lambda _place, why=problem: why)  # type: ignore[misc]
        else:
            plan.value[place] = float(symbol_id(text))
            plan.texts.add(text)
    numbers = is_text & ~np.isnan(plan.value) & (plan.outcome != REJECTED)
    if numbers.any():
        texts = {place for place, _ in special}
        for place in (place for place in np.flatnonzero(numbers).tolist() if place not in texts):
            name = table.refs[int(plan.ref[place])].name
            why = Rejection("wrong_type", f"{name} must be a text, not {plan.value[place]:g}")
            plan.refuse(np.array([place]), lambda _place, why=why: why)  # type: ignore[misc]


def _not_a_number(table: SeriesTable, plan: Plan, place: int, text: str) -> Rejection:
    name = table.refs[int(plan.ref[place])].name
    return Rejection("wrong_type", f"{name} must be a number, not {shown(str(text))}")


def _text_problem(text: str, limits: Limits) -> Rejection | None:
    if len(text) > limits.text_length:
        return Rejection(
            "text_too_long", f"the text {shown(text)} has {len(text)} characters, {limits.text_length} are allowed"
        )
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        return Rejection("bad_text", f"the text {shown(text)} holds characters that cannot be stored")
    return None


def pseudonym(name: str, key: bytes) -> str:
    """The keyed pseudonym that stands for a person: the same for the same name and site, of no use without the key."""
    return "p-" + hmac.new(key, name.strip().encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:20]


def _convert(plan: Plan, table: SeriesTable) -> None:
    """Bring numbers to the unit of their series."""
    scale, offset = table.scale[plan.ref], table.offset[plan.ref]
    if (scale == 1.0).all() and not offset.any():
        return
    numbers = ~table.is_text[plan.ref] & ~np.isnan(plan.value)
    with np.errstate(over="ignore"):
        plan.value[numbers] = plan.value[numbers] * scale[numbers] + offset[numbers]
    overflown = np.flatnonzero(np.isinf(plan.value) & (plan.outcome != REJECTED))
    if len(overflown):
        plan.refuse(overflown, lambda _: Rejection("not_finite", "a value is too large in the unit of its series"))


def _check_times(plan: Plan, limits: Limits) -> None:
    received = np.array([message.received_us for message in plan.messages], np.int64)[plan.message]
    live = plan.outcome != REJECTED
    early = np.flatnonzero(live & (plan.ts_us < limits.earliest_us))
    ahead = np.flatnonzero(live & (plan.ts_us > received + limits.future_us))
    for places in (early, ahead):
        if len(places):
            plan.refuse(places, lambda place: time_problem(int(plan.ts_us[place]), int(received[place]), limits))


def time_problem(ts_us: int, received_us: int, limits: Limits) -> Rejection:
    """The sentence about a time that cannot be."""
    if ts_us < limits.earliest_us:
        year = _moment(limits.earliest_us).year
        hint = " (seconds instead of milliseconds?)" if 0 < ts_us < limits.earliest_us // 100 else ""
        return Rejection("too_old", f"time {_moment(ts_us):%Y-%m-%dT%H:%M:%SZ} is before {year}{hint}")
    ahead_s = (ts_us - received_us) / 1e6
    allowed = limits.future_us // 60_000_000
    sentence = (
        f"time {_text_of(ts_us)} is {_span(ahead_s)} ahead of the receiver's clock; {allowed} minutes are allowed"
    )
    return Rejection("in_future", sentence)


def _moment(us: int) -> datetime:
    return (
        datetime.fromtimestamp(us // 1_000_000, UTC)
        if 0 <= us < 4_102_444_800_000_000
        else datetime(1970, 1, 1, tzinfo=UTC)
    )


def _text_of(us: int) -> str:
    known = 0 <= us < 4_102_444_800_000_000
    return f"{_moment(us):%Y-%m-%dT%H:%M:%SZ}" if known else "after the year 2100"


def _span(seconds: float) -> str:
    for size, unit in ((86_400 * 365.25, "years"), (86_400, "days"), (3_600, "hours")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 60:.0f} minutes"


def _check_days(plan: Plan, quota: DayQuota) -> None:
    """Refuse values of more unknown days than a device may open in an hour; remember the others."""
    live = plan.outcome != REJECTED
    days = plan.ts_us // DAY_US
    unknown = [day for day in np.unique(days[live]).tolist() if not quota.is_known(day)]
    if not unknown:
        return
    places = np.flatnonzero(live & np.isin(days, unknown))
    by_device: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place in places.tolist():
        message = plan.messages[int(plan.message[place])]
        by_device[message.source.device_id, message.received_us // HOUR_US].append(place)
    for (device_id, hour), own in by_device.items():
        wanted = {int(days[place]) for place in own}
        allowed = quota.admit(device_id, hour, wanted)
        plan.opened_days.setdefault(device_id, set()).update(allowed)
        over = np.array([place for place in own if int(days[place]) not in allowed], np.int64)
        detail = f"the device sent {len(wanted)} days at once that were not there; is its clock right?"
        plan.refuse(over, lambda _, detail=detail: Rejection("too_many_days", detail))  # type: ignore[misc]


def _find_repeats(plan: Plan) -> None:
    """Sort what is to be stored by key; of several values of one key the first received stays."""
    live = np.flatnonzero(plan.outcome == STORED)
    series, times = plan.series_id[live], plan.ts_us[live]
    order = np.lexsort((times, series))  # stable: equal keys stay in order of receipt
    ordered = live[order]
    same = np.zeros(len(ordered), np.bool_)
    same[1:] = (np.diff(series[order]) == 0) & (np.diff(times[order]) == 0)
    if same.any():
        firsts = ordered[np.maximum.accumulate(np.where(same, 0, np.arange(len(ordered))))]
        for place, first in zip(ordered[same].tolist(), firsts[same].tolist(), strict=True):
            equal = same_value(plan, place, first)
            plan.outcome[place] = DUPLICATE if equal else CONFLICT
            if not equal:
                add_conflict(plan, place, {"value": number(plan.value[first]), "quality": int(plan.quality[first])})
    plan.to_store = ordered[~same]


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
        }
    )


# -- events -----------------------------------------------------------------------------------------


def _plan_events(plan: Plan, unusual: list[int], limits: Limits, person_key: PersonKey) -> None:
    for place in unusual:
        message = plan.messages[place]
        for event in message.decoded.events:
            row = _event_row(event, message, limits, person_key)
            if isinstance(row, Rejection):
                plan.rejections[place].append(row)
                plan.event_rejections[place] += 1
            else:
                plan.events.append(PlannedEvent(place, row))


def _event_row(event: Event, message: Message, limits: Limits, person_key: PersonKey) -> EventRow | Rejection:
    source = message.source
    if not limits.earliest_us <= event.ts_us <= message.received_us + limits.future_us:
        return time_problem(event.ts_us, message.received_us, limits)
    problem = _text_problem(event.key, limits)
    if problem:
        return problem
    key = person_key(source)
    if key is None and _has_person(event.payload):
        return Rejection("no_person_key", f"site {source.site} has no key for pseudonyms")
    payload = msgspec.json.encode(_without_persons(event.payload, key or b"")).decode()
    if "\\u0000" in payload:
        return Rejection("bad_text", f"the {event.kind} holds characters that cannot be stored")
    return EventRow(
        source.site_id, source.asset_id, event.ts_us, str(event.kind), event.key, event.from_us, event.to_us, payload
    )


def _has_person(payload: Any) -> bool:
    return type(payload) is Person or (isinstance(payload, dict) and any(map(_has_person, payload.values())))


def _without_persons(payload: Any, key: bytes) -> Any:
    if isinstance(payload, dict):
        return {name: _without_persons(value, key) for name, value in payload.items()}
    return pseudonym(payload, key) if type(payload) is Person else payload


def _find_repeated_events(plan: Plan) -> None:
    first: dict[tuple[int, str, str, int], PlannedEvent] = {}
    for event in plan.events:
        row = event.row
        kept = first.setdefault((row.asset_id, row.kind, row.key, row.ts_us), event)
        if kept is not event:
            event.outcome = DUPLICATE if kept.row == row else CONFLICT
            if event.outcome == CONFLICT:
                add_event_conflict(plan, row, event_content(kept.row))


def event_content(row: EventRow) -> dict[str, Any]:
    """What an event says, as it is shown beside another one."""
    return {"from_us": row.from_us, "to_us": row.to_us, "payload": msgspec.json.decode(row.payload)}


def add_event_conflict(plan: Plan, row: EventRow, stored: Any) -> None:
    """Note that an event differs from what is stored under its key."""
    plan.conflicts.append(
        {
            "site_id": row.site_id,
            "series_id": None,
            "asset_id": row.asset_id,
            "event_kind": row.kind,
            "event_key": row.key,
            "ts_us": row.ts_us,
            "stored": stored,
            "received": event_content(row),
        }
    )
