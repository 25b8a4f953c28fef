"""What every decoder gives back, and the codes of what it refuses."""

from array import array
from collections.abc import Collection
from struct import Struct
from typing import Any, NamedTuple, Protocol, TypeAlias

import msgspec

from model.vocabulary import Quality

# name, unit as received (None = what the name or the registry says), time in µs UTC, value, quality code.
# Text is the value of a state series, None is "no signal". A plain tuple: there are 100,000 of them in a second.
Value: TypeAlias = tuple[str, str | None, int, float | str | None, int]

# What a source calls a series: its name, or name and unit where the message says a unit.
Key: TypeAlias = str | tuple[str, str]
# Good numbers of one time, kept together because that costs a tenth of so many values: their keys (the same tuple comes
# with every message of a device, so it is resolved once), time in µs UTC, and the numbers as `packed` makes them.
Row: TypeAlias = tuple[tuple[Key, ...], int, bytes]

_PACKERS = [Struct(f"{size}d").pack for size in range(65)]


class Rejection(NamedTuple):
    """Why values (or a whole message) are not stored: a listed code and a sentence for a person."""

    code: str
    detail: str
    values: int = 1


class Person(str):
    """A text that names a person; only its keyed pseudonym may be stored."""

    __slots__ = ()


class Event(NamedTuple):
    """Something that happened, as it will be stored; times in µs UTC."""

    kind: str
    key: str
    ts_us: int
    payload: dict[str, Any]
    from_us: int | None = None
    to_us: int | None = None


class Effect(Protocol):
    """What a message changes beside its values; whoever made it keeps it."""

    @property
    def memory(self) -> int:
        """Bytes that it takes while it waits."""


class Decoded(msgspec.Struct, gc=False):
    """The content of one message; `whole` is set when nothing of it could be understood.

    A decoder may put plain good numbers into `rows` instead of `values`; no key and time may stand in both.
    """

    values: list[Value] = []
    events: list[Event] = []
    rejected: list[Rejection] = []
    whole: Rejection | None = None
    seq: tuple[int, ...] = ()
    seq_us: tuple[int, ...] = ()  # the device's time of each number
    ignored: int = 0
    online: bool | None = None
    missing: int = 0  # numbers of a per-node sequence that are known to be missing; below 0: one came late after all
    effects: tuple[Effect, ...] = ()  # what else the message changes, kept in the transaction of the batch
    rows: list[Row] = []

    @property
    def count(self) -> int:
        """How many values there are, wherever they stand."""
        count = len(self.values)
        for row in self.rows:
            count += len(row[0])
        return count

    def every_value(self) -> list[Value]:
        """All values one by one, those of rows first: for people and tests, not for the fast path."""
        return [*(value for row in self.rows for value in unpacked(row)), *self.values]


def packed(numbers: Collection[float]) -> bytes:
    """Numbers as a row keeps them: doubles in the byte order of the machine.

    Raises:
        StructError, TypeError: one of them is no number.
    """
    size = len(numbers)
    return _PACKERS[size](*numbers) if size < len(_PACKERS) else array("d", numbers).tobytes()


def unpacked(row: Row) -> list[Value]:
    """The values of a row one by one."""
    keys, ts_us, numbers = row
    named = [(key, None) if isinstance(key, str) else key for key in keys]
    good = int(Quality.GOOD)
    return [(name, unit, ts_us, number, good) for (name, unit), number in zip(named, array("d", numbers), strict=True)]


def refused(code: str, detail: str) -> Decoded:
    """A message of which nothing can be stored."""
    return Decoded(whole=Rejection(code, detail, 0))


def with_ordinals(values: list[Value]) -> list[Value]:
    """Give later, differing values of one series with the same time a microsecond each, so that none is lost.

    An exact repeat keeps the time of what it repeats: it is a duplicate. Only the payload decides, so a message that is
    delivered twice gets the same times twice.
    """
    last: dict[tuple[str, int], Value] = {}
    result = []
    for value in values:
        key = (value[0], value[2])
        before = last.get(key)
        if before is None:
            placed = value
        elif before[3] == value[3] and before[4] == value[4]:
            placed = (value[0], value[1], before[2], value[3], value[4])
        else:
            placed = (value[0], value[1], before[2] + 1, value[3], value[4])
        last[key] = placed
        result.append(placed)
    return result


def shown(text: object, most: int = 40) -> str:
    """A text from outside as it may stand in a sentence: quoted, short."""
    quoted = repr(text)
    return quoted if len(quoted) <= most else quoted[: most - 4] + "...'"
