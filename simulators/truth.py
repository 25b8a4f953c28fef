"""Ground truth of the virtual plant: what a factory would book.

Taken from the machines' own history and not from messages.

Definitions, the same that a correct chain must arrive at:

* One row per unit and window. A window is a shift, or a free night (`shift` null); `from` and
  `to` are UTC, `to` excluded for time. The windows at the ends are cut to the simulated stretch (`complete` false).
* `time_us` holds whole microseconds per time class and adds up exactly to the window: `production`, `setup`,
  `delay/fault`, `delay/starved`, `delay/blocked`, `delay/micro_stop`, `delay/other`, `planned_down`, `not_scheduled`.
  Precedence: not_scheduled › planned_down (the break of the line) › state. Jobs exist in all scheduled time, so every
  stop is a delay.
* A micro-stop is a stop without reason (state STOPPED or IDLE) between two production stretches, at most 300 s long;
  it is judged whole, then cut at shift borders. Next to a break or to the end of work it is `other`.
* A piece counts at the instant it is finished; a counter reading at T counts all pieces finished at or before T; so a
  piece finished exactly at a border belongs to the earlier window.
* Energy at T is the integral until T; a row of kind `meter` holds the energy of its window.
* `products` lists pieces (good and bad), good pieces and the ideal cycle of one piece; `ideal_us` is the sum of
  pieces × ideal cycle.
"""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from simulators.history import Segment
from simulators.layout import MICRO_STOP_LIMIT_MS, STATE_CLASSES
from simulators.machines import Unit
from simulators.meters import WATT_MS_PER_KWH, BaseLoad, energy
from simulators.shifts import Window, instant, windows

CLASSES = (
    "production",
    "setup",
    "delay/fault",
    "delay/starved",
    "delay/blocked",
    "delay/micro_stop",
    "delay/other",
    "planned_down",
    "not_scheduled",
)


@dataclass(frozen=True)
class Meter:
    """A meter as the truth sees it: the units behind it and the base load, if it measures one."""

    path: str
    units: tuple[Unit, ...]
    base: BaseLoad | None


class _Span(NamedTuple):
    start_ms: int
    end_ms: int
    label: str
    stopped_without_reason: bool


def rows(units: Iterable[Unit], meters: Iterable[Meter], start_ms: int, end_ms: int) -> Iterator[dict[str, Any]]:
    """Yield the truth of a simulated stretch: a row per unit and window, then one per meter and window."""
    for unit in units:
        yield from _unit_rows(unit, start_ms, end_ms)
    for meter in meters:
        for window in windows(start_ms, end_ms):
            yield _meter_row(meter, window, start_ms, end_ms)


def write(path: Path, truth: Iterable[dict[str, Any]]) -> None:
    """Write truth rows as JSON lines."""
    with path.open("w", encoding="utf-8") as file:
        for row in truth:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _unit_rows(unit: Unit, start_ms: int, end_ms: int) -> Iterator[dict[str, Any]]:
    spans = list(_spans(unit, start_ms, end_ms))
    begins = [span.start_ms for span in spans]
    for window in windows(start_ms, end_ms):
        begin, end = max(window.start_ms, start_ms), min(window.end_ms, end_ms)
        time_ms = dict.fromkeys(CLASSES, 0)
        for span in spans[max(0, bisect_right(begins, begin) - 1) :]:
            if span.start_ms >= end:
                break
            time_ms[span.label] += max(0, min(end, span.end_ms) - max(begin, span.start_ms))
        yield {
            **_head("unit", unit.path, window, begin, end),
            "time_us": {label: lasts * 1000 for label, lasts in time_ms.items()},
            **_pieces(unit, begin, end),
        }


def _head(kind: str, path: str, window: Window, begin: int, end: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "asset": path,
        "production_date": window.production_date.isoformat(),
        "shift": window.shift,
        "from": instant(begin).isoformat(),
        "to": instant(end).isoformat(),
        "complete": (begin, end) == (window.start_ms, window.end_ms),
    }


def _meter_row(meter: Meter, window: Window, start_ms: int, end_ms: int) -> dict[str, Any]:
    begin, end = max(window.start_ms, start_ms), min(window.end_ms, end_ms)
    watt_ms = sum(energy(unit.segments, begin, end) for unit in meter.units)
    if meter.base is not None:
        watt_ms += energy(meter.base.segments(begin, end), begin, end)
    return {
        **_head("meter", meter.path, window, begin, end),
        "energy_kwh": watt_ms / WATT_MS_PER_KWH,
        "watt_ms": watt_ms,
    }


# -- time ----------------------------------------------------------------------------------------------------------


def _spans(unit: Unit, start_ms: int, end_ms: int) -> Iterator[_Span]:
    """Yield time classes without gaps from start to end, micro-stops told from other stops."""
    merged = _merge(_raw_spans(unit, start_ms, end_ms))
    for before, span, after in zip([None, *merged], merged, [*merged[1:], None], strict=False):
        short = span.end_ms - span.start_ms <= MICRO_STOP_LIMIT_MS
        inside = before is not None and after is not None
        if span.stopped_without_reason and short and inside and _both_run(before, after):
            yield span._replace(label="delay/micro_stop")
        else:
            yield span


def _both_run(before: _Span | None, after: _Span | None) -> bool:
    return all(span is not None and span.label == "production" for span in (before, after))


def _raw_spans(unit: Unit, start_ms: int, end_ms: int) -> Iterator[_Span]:
    calendar = list(_calendar_spans(unit, start_ms, end_ms))
    place = 0
    for segment in unit.segments:
        begin, end = max(segment.start_ms, start_ms), min(segment.end_ms, end_ms)
        while begin < end:
            while calendar[place].end_ms <= begin:
                place += 1
            until = min(end, calendar[place].end_ms)
            yield _label(segment, calendar[place].label, begin, until)
            begin = until


def _label(segment: Segment, planned: str, begin: int, end: int) -> _Span:
    if planned:
        return _Span(begin, end, planned, stopped_without_reason=False)
    time_class, sub_class = STATE_CLASSES[segment.state]
    label = f"{time_class}/{sub_class}" if sub_class else time_class
    idle = segment.state in {"STOPPED", "IDLE"} and not segment.reason
    return _Span(begin, end, label, stopped_without_reason=idle)


def _calendar_spans(unit: Unit, start_ms: int, end_ms: int) -> Iterator[_Span]:
    for window in windows(start_ms, end_ms):
        pause = window.breaks(has_breaks=unit.line.breaks)
        if window.shift is None:
            yield _Span(window.start_ms, window.end_ms, "not_scheduled", False)  # noqa: FBT003
        elif pause is None:
            yield _Span(window.start_ms, window.end_ms, "", False)  # noqa: FBT003
        else:
            yield _Span(window.start_ms, pause[0], "", False)  # noqa: FBT003
            yield _Span(pause[0], pause[1], "planned_down", False)  # noqa: FBT003
            yield _Span(pause[1], window.end_ms, "", False)  # noqa: FBT003


def _merge(spans: Iterable[_Span]) -> list[_Span]:
    merged: list[_Span] = []
    for span in spans:
        if merged and merged[-1][2:] == span[2:]:
            merged[-1] = merged[-1]._replace(end_ms=span.end_ms)
        else:
            merged.append(span)
    return merged


# -- pieces --------------------------------------------------------------------------------------------------------


def _pieces(unit: Unit, begin: int, end: int) -> dict[str, Any]:
    made: dict[str, int] = defaultdict(int)
    good: dict[str, int] = defaultdict(int)
    ideal_us = 0
    first = max(0, bisect_right(unit.segments, begin, key=lambda s: s.start_ms) - 2)
    for segment in unit.segments[first:]:
        if segment.start_ms >= end:
            break
        product = unit.product(segment.job)
        low, high = segment.total(begin), segment.total(end)
        made[product.key] += high - low
        good[product.key] += high - low - unit.rejects.count(high) + unit.rejects.count(low)
        ideal_us += (high - low) * product.ideal_cycle_ms * 1000 // product.pieces_per_cycle
    ideal = {product.key: product.ideal_cycle_s for product in unit.spec.products}
    return {
        "good": sum(good.values()),
        "reject": sum(made.values()) - sum(good.values()),
        "ideal_us": ideal_us,
        "products": [
            {"product": key, "pieces": made[key], "good": good[key], "ideal_cycle_s": ideal[key]}
            for key in sorted(made)
            if made[key]
        ],
    }
