"""The numbers that all implementations give, as the KPI job stored them, and what differs between two of them.

Of every hour, shift and production day of machines, lines and site: seconds per time class, pieces, OEE, energy, also
by time class (not of hours, for which the job does not keep it), completeness of the periodic signals. Of every series
and production day: readings and their digest, received, due, gaps, flat lines, values out of range.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import inf, isclose, isnan, nan
from typing import Any

import psycopg

Key = tuple[str, str, datetime]  # asset, grain, start of the window
Numbers = dict[Key, list[float]]
SeriesDays = dict[tuple[int, datetime], list[Any]]  # series, start of the day
CLASSES = ("production", "delay", "unknown", "not_scheduled")
_OF_CLASS = tuple(f"energy_{name}" for name in CLASSES)
NAMES = (*CLASSES, "good", "reject", "oee", "energy", *_OF_CLASS, "completeness")
OURS = """
SELECT a.key, k.grain, k.window_start, k.kpi, k.value, k.completeness
FROM kpi_value k JOIN asset a USING (asset_id)
WHERE k.grain IN ('hour', 'shift', 'day') AND k.superseded_at IS NULL AND k.variant = ''
"""
OUR_SERIES = """
SELECT q.series_id, d.from_ts, d.rows, encode(d.sha256, 'hex'), q.received, q.expected, q.gaps, q.gap_us,
       q.longest_gap_us, q.flat_spans, q.out_of_range
FROM series_quality q JOIN raw_day_digest d USING (series_id, production_day) WHERE d.superseded_at IS NULL
"""
_KPIS = {
    **{name: f"{name}_time" for name in CLASSES},
    "good": "good_quantity",
    "reject": "scrap_quantity",
}
_NONE = [inf] * len(NAMES)  # equals nothing


@dataclass(frozen=True)
class Found:
    """What one of them gave."""

    windows: Numbers
    series: SeriesDays


def ours(url: str) -> Found:
    """The numbers as the job stored them; an hour in which a time or an energy is zero has no value of it."""
    found: dict[Key, dict[str, float]] = {}
    with psycopg.connect(url) as connection:
        for asset, grain, start, kpi, value, completeness in connection.execute(OURS):
            of_hour = dict.fromkeys(_OF_CLASS, nan) if grain == "hour" else {}
            of_window = found.setdefault((asset, grain, start), {"oee": nan, **of_hour})
            of_window[kpi] = nan if value is None else value
            if kpi == "good_quantity":
                of_window["completeness"] = completeness
        series = {(number, start): values for number, start, *values in connection.execute(OUR_SERIES).fetchall()}
    windows = {key: [each.get(_KPIS.get(name, name), 0.0) for name in NAMES] for key, each in found.items()}
    return Found(windows, series)


def differences(found: Found, stored: Found) -> Iterator[str]:
    """Say what is not equal: numbers of windows to 1e-9, those of series exactly."""
    for key in sorted({*found.windows, *stored.windows}):
        values = zip(NAMES, found.windows.get(key, _NONE), stored.windows.get(key, _NONE), strict=True)
        yield from (f"{what} is {value} for {key}, ours is {our}" for what, value, our in values if _differ(value, our))
    for place in sorted({*found.series, *stored.series}):
        theirs, our = found.series.get(place), stored.series.get(place)
        if theirs != our:
            yield f"{theirs} for series {place}, ours is {our}"


def _differ(value: float, our: float) -> bool:
    return not (isclose(value, our, rel_tol=1e-9, abs_tol=1e-9) or (isnan(value) and isnan(our)))
