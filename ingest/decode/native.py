"""Native JSON (docs/message-contract.md): `{"ts", "values", "seq"?, "units"?, "asset"?}` or an array of such.

The fast path decodes straight into typed structs; whatever does not fit is taken apart slowly, value by value, so that
one bad value costs only itself and every refusal gets a sentence.
"""

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from struct import error as StructError  # noqa: N812 - it is a class
from typing import Annotated, Any

import msgspec

from ingest.decode.result import Decoded, Event, Rejection, Row, packed, refused, shown, unpacked, with_ordinals
from model.vocabulary import Quality

# Texts under these names are events; all other texts are states.
EVENT_NAMES = {
    "product": ("product_change", "product"),
    "job": ("job_change", "job"),
    "stop_reason": ("stop_reason", "reason"),
}
STATUSES = {b"online": True, b"offline": False, b'"online"': True, b'"offline"': False}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_GOOD = int(Quality.GOOD)
_NO_SIGNAL = int(Quality.NO_SIGNAL)
_LARGEST_MS = 1 << 53


class Sample(msgspec.Struct, gc=False):
    """One object of the contract."""

    ts: Annotated[datetime, msgspec.Meta(tz=True)] | int
    values: dict[str, float | bool | str | None]
    seq: Annotated[int, msgspec.Meta(ge=0)] | None = None
    units: dict[str, str] | None = None
    asset: str | None = None


class Numbered(msgspec.Struct, gc=False):
    """What a message that is not read is asked for."""

    ts: Annotated[datetime, msgspec.Meta(tz=True)] | int
    seq: Annotated[int, msgspec.Meta(ge=0)] | None = None
    asset: str | None = None


Payload = Sample | list[Sample]
_decode = msgspec.json.Decoder(Payload).decode
_decode_numbers = msgspec.json.Decoder(Numbered | list[Numbered]).decode


def decode(payload: bytes, asset: str = "") -> Decoded:
    """Decode a message of the data topic of `asset` (`site/area/line/unit`)."""
    try:
        samples = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_slowly(payload, asset)
    if type(samples) is not Sample:
        return _together(samples, asset)
    row = _plain_row(samples)
    if row is None:
        result = Decoded()
        _add(result, samples, asset)
        return result
    if samples.seq is None:
        return Decoded(rows=[row])
    return Decoded(rows=[row], seq=(samples.seq,), seq_us=(row[1],))


def _plain_row(sample: Sample) -> Row | None:
    """The usual sample, numbers alone, as a row at once; null where `_add` has to look closer."""
    ts, values = sample.ts, sample.values
    if type(ts) is int and -_LARGEST_MS < ts < _LARGEST_MS and sample.units is None and sample.asset is None and values:
        try:
            return tuple(values), ts * 1000, packed(values.values())  # type: ignore[arg-type]
        except (StructError, TypeError):  # a text or a null among them
            return None
    return None


def numbers(payload: bytes, asset: str = "") -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sequence numbers of a message that is refused unread, and the device's time of each in µs UTC."""
    try:
        found = _decode_numbers(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return (), ()
    samples = [found] if type(found) is Numbered else found
    own = [
        (sample.seq, _time_us(sample.ts))
        for sample in samples
        if sample.seq is not None
        and sample.asset in (None, asset)
        and not (type(sample.ts) is int and abs(sample.ts) >= _LARGEST_MS)
    ]
    return tuple(number for number, _ in own), tuple(us for _, us in own)


def decode_status(payload: bytes) -> bool | None:
    """True for online, False for offline, None for anything else."""
    return STATUSES.get(payload.strip().lower())


def _together(samples: list[Sample], asset: str) -> Decoded:
    """Decode an array; times that come twice are told apart."""
    result, numbers = Decoded(), _Numbers()
    repeated = len({_time_us(sample.ts) for sample in samples}) < len(samples)
    for sample in samples:
        _add(result, sample, asset)
        numbers.take(result)
        if repeated:
            _take_apart(result)
    numbers.give(result)
    if repeated:
        result.values = with_ordinals(result.values)
    return result


class _Numbers:
    """The `seq` of many samples, gathered in lists: tuples that grow would take the square of their number."""

    def __init__(self) -> None:
        self._seq: list[int] = []
        self._us: list[int] = []

    def take(self, result: Decoded) -> None:
        """Take what the last sample left."""
        if result.seq:
            self._seq += result.seq
            self._us += result.seq_us
            result.seq = result.seq_us = ()

    def give(self, result: Decoded) -> None:
        """Give all back."""
        result.seq, result.seq_us = tuple(self._seq), tuple(self._us)


def _take_apart(result: Decoded) -> None:
    """Put what stands in rows behind the values: where times repeat, the order of the values matters."""
    for row in result.rows:
        result.values.extend(unpacked(row))
    result.rows.clear()


def _time_us(ts: datetime | int) -> int:
    return ts * 1000 if isinstance(ts, int) else (ts - _EPOCH) // _MICROSECOND


def _add(result: Decoded, sample: Sample, asset: str) -> None:
    ts = sample.ts
    if type(ts) is int:
        if not -_LARGEST_MS < ts < _LARGEST_MS:
            result.rejected.append(
                Rejection("bad_time", f"ts {shown(ts)} is no time in milliseconds", len(sample.values))
            )
            return
        ts_us = ts * 1000
    else:
        ts_us = (ts - _EPOCH) // _MICROSECOND  # type: ignore[operator]
    if sample.asset is not None and sample.asset != asset:
        result.rejected.append(_wrong_asset(sample.asset, asset, len(sample.values)))
        return
    if sample.seq is not None:
        result.seq = (*result.seq, sample.seq)
        result.seq_us = (*result.seq_us, ts_us)
    values, units = sample.values, sample.units
    try:  # numbers go into a row; what is none (it is rare) is taken out first
        numbers = packed(values.values())  # type: ignore[arg-type]
    except (StructError, TypeError):
        _add_others(result, values, units, ts_us)
        numbers = packed(values.values())  # type: ignore[arg-type]
    if numbers:
        keys = tuple((name, units[name]) if name in units else name for name in values) if units else tuple(values)
        result.rows.append((keys, ts_us, numbers))


def _add_others(
    result: Decoded, values: dict[str, float | bool | str | None], units: dict[str, str] | None, ts_us: int
) -> None:
    """Move texts and nulls out of these values."""
    others = [(name, value) for name, value in values.items() if value is None or type(value) is str]
    for name, value in others:
        del values[name]
        unit = units.get(name) if units else None
        if value is None:
            result.values.append((name, unit, ts_us, None, _NO_SIGNAL))
        elif name in EVENT_NAMES:
            result.events.append(_event(name, value, ts_us))
        else:
            result.values.append((name, unit, ts_us, value, _GOOD))


def _event(name: str, text: str, ts_us: int) -> Event:
    kind, member = EVENT_NAMES[name]
    return Event(kind, text, ts_us, {member: text})


def _wrong_asset(told: str, asset: str, values: int) -> Rejection:
    return Rejection(
        "identity_mismatch", f"the payload says asset {shown(told)}, the topic says {shown(asset)}", values
    )


# -- the slow path: what is wrong, and what is right all the same ---------------------------------


def _decode_slowly(payload: bytes, asset: str) -> Decoded:
    try:
        document = json.loads(payload.decode())
    except UnicodeDecodeError as error:
        return refused("undecodable", f"the payload is not UTF-8 text (byte {error.start})")
    except RecursionError:
        return refused("undecodable", "the payload is nested too deeply")
    except ValueError as error:
        return refused("undecodable", f"the payload is not JSON: {error}")
    parts = document if isinstance(document, list) else [document]
    problems = [_problem(part) for part in parts]
    if not isinstance(document, list) and problems[0]:
        return refused("wrong_shape", problems[0])
    if all(problems) and problems:
        return refused("wrong_shape", f"no object of the array can be used; the first: {problems[0]}")
    return _salvage(zip(parts, problems, strict=True), asset)


def _problem(part: Any) -> str:
    """What is wrong with an object as a whole, if anything."""
    if not isinstance(part, dict):
        return f"an object with ts and values was expected, not {shown(part)}"
    if "ts" not in part:
        return "the member `ts` is missing"
    if not isinstance(part.get("values"), dict):
        return "the member `values` is missing or no object"
    if part.get("asset") is not None and not isinstance(part["asset"], str):
        return "`asset` must be a text"
    return ""


def _salvage(parts: Iterable[tuple[Any, str]], asset: str) -> Decoded:
    result, numbers = Decoded(), _Numbers()
    count = 0
    for part, problem in parts:
        count += 1
        if problem:
            result.rejected.append(Rejection("wrong_shape", problem))
            continue
        time = _time(part["ts"])
        if isinstance(time, str):
            result.rejected.append(Rejection("bad_time", time, max(1, len(part["values"]))))
            continue
        _add(result, _sample(part, time, result.rejected), asset)
        numbers.take(result)
        _take_apart(result)
    numbers.give(result)
    if count > 1:
        result.values = with_ordinals(result.values)
    return result


def _time(ts: Any) -> datetime | int | str:
    """The time, or a sentence about what is wrong with it."""
    if isinstance(ts, int) and not isinstance(ts, bool):
        return ts
    if not isinstance(ts, str):
        return f"ts must be RFC 3339 text or whole milliseconds, not {shown(ts)}"
    try:
        time: datetime = msgspec.convert(ts, Annotated[datetime, msgspec.Meta(tz=True)])
        return time  # noqa: TRY300 - what else may be wrong follows
    except msgspec.ValidationError:
        pass
    try:
        datetime.fromisoformat(ts)
    except ValueError:
        return f"ts {shown(ts)} is no RFC 3339 time such as 2026-11-22T08:00:00.250+07:00"
    return f"ts {shown(ts)} has no offset from UTC: write +07:00 or Z behind it"


def _sample(part: dict[str, Any], time: datetime | int, rejected: list[Rejection]) -> Sample:
    values: dict[str, float | bool | str | None] = {}
    for name, value in part["values"].items():
        problem = _value_problem(name, value)
        if problem:
            rejected.append(problem)
        else:
            values[name] = float(value) if type(value) is int else value
    units = part.get("units")
    seq = part.get("seq")
    return Sample(
        ts=time,
        values=values,
        seq=seq if type(seq) is int and seq >= 0 else None,
        units={k: u for k, u in units.items() if isinstance(u, str)} if isinstance(units, dict) else None,
        asset=part.get("asset"),
    )


def _value_problem(name: str, value: Any) -> Rejection | None:
    if value is None or isinstance(value, bool | str):
        return None
    if isinstance(value, int | float):
        try:
            finite = math.isfinite(float(value))
        except OverflowError:
            finite = False
        return (
            None if finite else Rejection("not_finite", f"{shown(name)} is {_shown_number(value)}: not a finite number")
        )
    return Rejection("wrong_type", f"{shown(name)} must be a number, a text, true, false or null, not {shown(value)}")


def _shown_number(value: float) -> str:
    """As JSON would have it: NaN, Infinity, or the digits."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else "too large" if math.isinf(value) else str(value)
    return shown(value)
