"""Payloads that look like one before: bytes in; time, sequence number and numbers out, without a parser.

A machine that reports the same metrics again and again sends the same bytes but for times, numbers and the place in the
sequence. A shape knows where those stand; all else must be equal, bit by bit, or the payload is read the long way.
"""

import math
from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from ingest.decode.result import Key, Row, packed
from ingest.sparkplug.payload import LARGEST_MS, PayloadError, signed

FEWEST_METRICS = 2
MOST_LEARNED = 500  # metrics of a shape: a survey takes long, and a parser alone does for what is sent that rarely
MOST_SHAPES = 64  # of one device; more is chance
_SAME_LENGTH = 4
_MORE = 0x80  # a further byte of a whole number follows
_WHOLE_TAGS = {0x50: 32, 0x58: 64}


class Found(NamedTuple):
    """What a payload of a known shape says; the time of the payload in ms."""

    sent_ms: int
    seq: int
    row: Row


class Shape(NamedTuple):
    """Where the parts of a payload stand that change."""

    mask: int
    fixed: int
    unpack: Struct
    stamp: int  # place of the payload's time in what is unpacked
    seq: int  # of the number in the sequence, -1 where it is left out
    times: tuple[int, ...]  # of the metrics' own times, none where they have none
    numbers: tuple[int, ...]
    wholes: tuple[tuple[int, int, int], ...]  # of those that are whole numbers: which, datatype, bits of the field
    scales: tuple[tuple[int, float], ...]
    keys: tuple[Key, ...]

    def read(self, data: bytes) -> Found | None:
        """The numbers of a payload, or nothing where it is not of this shape."""
        if int.from_bytes(data, "little") & self.mask != self.fixed:
            return None
        parts = self.unpack.unpack(data)
        sent = parts[self.stamp]
        own = parts[self.times[0]] if self.times else sent
        if any(parts[place] != own for place in self.times):
            return None
        sent_ms = whole(sent)
        ms = sent_ms if own == sent else whole(own)
        numbers = [parts[place] for place in self.numbers]
        for place, datatype, bits in self.wholes:
            numbers[place] = float(signed(whole(numbers[place]), datatype, bits))
        for place, scale in self.scales:
            numbers[place] *= scale
        if not 0 < ms < LARGEST_MS or not math.isfinite(sum(numbers)):
            return None
        return Found(sent_ms, whole(parts[self.seq]) if self.seq >= 0 else 0, (self.keys, ms * 1000, packed(numbers)))


class Shapes:
    """The shapes of what a device sends."""

    def __init__(self) -> None:
        self._by_length: dict[int, list[Shape]] = {}
        self._count = 0

    def read(self, data: bytes) -> Found | None:
        """Read a payload of a known shape."""
        for shape in self._by_length.get(len(data), ()):
            try:
                found = shape.read(data)
            except PayloadError:
                return None
            if found is not None:
                return found
        return None

    def has_room(self, length: int, metrics: int) -> bool:
        """Whether a shape of so many bytes and metrics is worth remembering."""
        same = self._by_length.get(length, ())
        return FEWEST_METRICS <= metrics <= MOST_LEARNED and self._count < MOST_SHAPES and len(same) < _SAME_LENGTH

    def learn(self, data: bytes, scales: Sequence[float], datatypes: Sequence[int], row: Row) -> None:
        """Remember the shape of a payload of which all metrics, with these scales and types, went into one row."""
        self._count += 1  # a try counts as well: it costs as much
        shape = _Survey(data).shape(scales, datatypes, row)
        if shape is not None:
            self._by_length.setdefault(len(data), []).append(shape)


def whole(data: bytes) -> int:
    """A whole number as protobuf writes it."""
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
    return value


class _Survey:
    """Goes through a payload once and notes what may change in it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._mask = bytearray(b"\xff" * len(data))
        self._format: list[str] = []
        self._at = 0  # how far the format reaches
        self._parts = 0  # in the format, without what is skipped
        self._stamp = self._seq = -1
        self._times: list[int] = []
        self._numbers: list[int] = []
        self._bits: list[int] = []  # of the field of each number, 0 = no whole number

    def shape(self, scales: Sequence[float], datatypes: Sequence[int], row: Row) -> Shape | None:
        """The shape, or nothing where the payload has what no shape knows."""
        if not self._walk() or self._stamp < 0 or len(self._numbers) != len(scales):
            return None
        if self._times and len(self._times) != len(self._numbers):
            return None
        self._skip_to(len(self._data))
        mask = int.from_bytes(self._mask, "little")
        return Shape(
            mask=mask,
            fixed=int.from_bytes(self._data, "little") & mask,
            unpack=Struct("<" + "".join(self._format)),
            stamp=self._stamp,
            seq=self._seq,
            times=tuple(self._times),
            numbers=tuple(self._numbers),
            wholes=tuple((n, datatypes[n], bits) for n, bits in enumerate(self._bits) if bits),
            scales=tuple((n, scale) for n, scale in enumerate(scales) if scale != 1.0),
            keys=row[0],
        )

    def _walk(self) -> bool:
        at, data = 0, self._data
        while at < len(data):
            tag = data[at]
            if tag == 0x08:
                at, self._stamp = self._whole(at + 1)
            elif tag == 0x18:
                at, self._seq = self._whole(at + 1)
            elif tag == 0x12:
                size, start = _length(data, at + 1)
                if not self._metric(start, start + size):
                    return False
                at = start + size
            else:
                return False
        return at == len(data)

    def _metric(self, at: int, end: int) -> bool:
        data = self._data
        while at < end:
            tag = data[at]
            if tag == 0x0A:
                size, start = _length(data, at + 1)
                at = start + size
            elif tag == 0x18:
                at, place = self._whole(at + 1)
                self._times.append(place)
            elif tag in (0x69, 0x65, 0x70):
                at = self._fixed(at + 1, {0x69: "d", 0x65: "f", 0x70: "?"}[tag])
            elif tag in _WHOLE_TAGS:
                at, place = self._whole(at + 1)
                self._numbers.append(place)
                self._bits.append(_WHOLE_TAGS[tag])
            elif tag in (0x10, 0x20, 0x28, 0x30, 0x38):  # alias, datatype, flags: the same every time
                _, at = _length(data, at + 1)
            else:
                return False
        return at == end

    def _whole(self, at: int) -> tuple[int, int]:
        """Note a whole number of the same size; returns where it ends, and its place among the parts."""
        end = at
        while self._data[end] & _MORE:
            end += 1
        end += 1
        self._mask[at:end] = bytes([_MORE]) * (end - at)
        return end, self._part(at, end, f"{end - at}s")

    def _fixed(self, at: int, code: str) -> int:
        end = at + {"d": 8, "f": 4, "?": 1}[code]
        self._mask[at:end] = (b"\xfe" if code == "?" else b"\0") * (end - at)
        self._numbers.append(self._part(at, end, code))
        self._bits.append(0)
        return end

    def _part(self, at: int, end: int, code: str) -> int:
        self._skip_to(at)
        self._format.append(code)
        self._at = end
        self._parts += 1
        return self._parts - 1

    def _skip_to(self, at: int) -> None:
        if at > self._at:
            self._format.append(f"{at - self._at}x")
            self._at = at


def _length(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < _MORE:
            return value, at
