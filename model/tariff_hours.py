"""Hours of dated tariffs: local wall times in, UTC instants (int µs) out, as in model/calendar.py."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from model.calendar import Span, dates, in_force, instant_us, local_date, paint, wall_span
from model.registry import Site, Tariff

_DAY = timedelta(days=1)


def tariff_spans(site: Site, from_us: int, to_us: int) -> tuple[Span, ...]:
    """List the tariff periods that touch [from, to), without overlaps; uncovered time has none."""
    days = dates(local_date(site.timezone, from_us) - _DAY, local_date(site.timezone, to_us) + 2 * _DAY)
    spans = [span for day in sorted(days, reverse=True) for span in _tariff_day(site.timezone, site.tariffs, day)]
    return tuple(span for span in paint(spans) if span.to_us > from_us and span.from_us < to_us)


def tariff_on(tariffs: tuple[Tariff, ...], day: date) -> Tariff | None:
    """Choose the tariff in force on a local date: the one that began last."""
    valid = [tariff for tariff in tariffs if in_force(tariff.valid_from, tariff.valid_to, day)]
    return max(valid, key=lambda tariff: (tariff.valid_from, tariff.key), default=None)


def _tariff_day(zone: str, tariffs: tuple[Tariff, ...], day: date) -> Iterator[Span]:
    """Periods that begin on a date; where the tariff is another one than the day before or after, it is cut at
    midnight: its night begins before its first day and ends with its last one.
    """
    tariff, before, after = (tariff_on(tariffs, day + n * _DAY) for n in (0, -1, 1))
    if tariff is None:
        return
    last = instant_us(zone, day + _DAY, 0) if after is not tariff else None
    for span in _periods(zone, tariff, day):
        yield span if last is None else replace(span, to_us=min(span.to_us, last))
    first = instant_us(zone, day, 0)
    for span in _periods(zone, tariff, day - _DAY) if before is not tariff else ():
        if span.to_us > first:
            yield replace(span, from_us=max(span.from_us, first))


def _periods(zone: str, tariff: Tariff, day: date) -> Iterator[Span]:
    for period in tariff.periods:
        if day.weekday() in period.weekdays:
            yield Span(*wall_span(zone, day, period.start, period.end), period.period)
