"""The state timeline of a production day as a Vega-Lite specification, made with Altair."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.console.texts import Texts
from model import wording
from store.serving import Row

# Kind of time -> its custom property in console.css; the page puts the colours in, for light and dark.
KINDS = (
    "production",
    "setup",
    "fault",
    "starved",
    "blocked",
    "micro_stop",
    "delay",
    "down_no_order",
    "planned_down",
    "not_scheduled",
    "unknown",
)
ROW_HEIGHT = 26
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER = timedelta(minutes=15)  # clocks change at whole ones


def kind(time_class: str, sub_class: str) -> str:
    """What colour and word a piece of time has: the kind of stop where that is known, else its class."""
    return sub_class if time_class == "delay" and sub_class in KINDS else time_class


def specification(assets: list[Row], intervals: list[Row], zone: ZoneInfo, texts: Texts) -> dict[str, Any]:
    """Draw intervals, one line per unit. Times are wall-clock times, written as UTC for the chart.

    A day on which clocks change keeps its 23 or 25 hours: it lies by the clock of its end, with labels of both clocks.
    """
    import altair as alt  # noqa: PLC0415 - a second of processor time that a start of the service need not wait for

    names = _names(assets, intervals)
    offset = _offset(max((row["to_ts"] for row in intervals), default=_EPOCH), zone)
    rows = [_row(row, names[row["asset"]], zone, offset, texts) for row in intervals]
    labels = _labels(min((row["from_ts"] for row in intervals), default=_EPOCH), zone, offset)
    hours = alt.Axis(
        format="%H:%M", title=None, grid=True, tickCount=12, labelOverlap=True, labelExpr=labels or alt.Undefined
    )
    bar = alt.Chart({"values": rows}).mark_bar(height=ROW_HEIGHT - 8)
    chart = bar.encode(
        x=alt.X("from:T", axis=hours, scale=alt.Scale(type="utc", nice=False)),
        x2="to:T",
        y=alt.Y("name:N", sort=list(names.values()), axis=alt.Axis(title=None, labelLimit=260, domain=False)),
        color=alt.Color("kind:N", legend=None, scale=alt.Scale(domain=list(KINDS), range=[f"--{k}" for k in KINDS])),
        tooltip=[alt.Tooltip(f"{name}:N", title=texts(f"timeline.{name}")) for name in _SHOWN],
    )
    sized = chart.properties(
        description=texts("timeline.label"),
        width="container",
        height=ROW_HEIGHT * len(names),
        background="transparent",
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )
    drawn: dict[str, Any] = sized.to_dict()
    return drawn


_SHOWN = ("asset", "class", "duration", "state", "reason")


def _names(assets: list[Row], intervals: list[Row]) -> dict[str, str]:
    """A name per unit; the key where two units share one."""
    present = {row["asset"] for row in intervals}
    units = [asset for asset in assets if asset["key"] in present]
    names = [asset["name"] for asset in units]
    return {unit["key"]: unit["name"] if names.count(unit["name"]) == 1 else unit["key"] for unit in units}


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _labels(first: datetime, zone: ZoneInfo, offset: timedelta) -> str:
    """An expression that names hours before the clock changed to the offset of the end; '' where it did not."""
    before = _offset(first, zone)
    if before == offset:
        return ""
    change = first
    while _offset(change, zone) == before:
        change = change.replace(minute=change.minute // 15 * 15, second=0, microsecond=0) + _QUARTER
    was_before = f"toNumber(datum.value) < {_milliseconds(change + offset)}"
    ahead = (before - offset) // timedelta(milliseconds=1)
    return f"utcFormat({was_before} ? toNumber(datum.value) + {ahead} : datum.value, '%H:%M')"


def _row(row: Row, name: str, zone: ZoneInfo, offset: timedelta, texts: Texts) -> dict[str, Any]:
    start, end = row["from_ts"], row["to_ts"]
    local = (each.astimezone(zone) for each in (start, end))
    span = " – ".join(f"{each:%H:%M:%S}{wording.which_of_two(each)}" for each in local)
    return {
        "name": name,
        "from": _milliseconds(start + offset),
        "to": _milliseconds(end + offset),
        "kind": kind(row["time_class"], row["sub_class"]),
        "asset": name,
        "class": texts.of_class(row["time_class"], row["sub_class"]),
        "duration": f"{wording.duration(row['duration_s'], texts.language)} ({span})",
        "state": row["state"] or wording.NOTHING,
        "reason": row["reason"] or wording.NOTHING,
    }


def _milliseconds(moment: datetime) -> int:
    return int((moment - _EPOCH) / timedelta(milliseconds=1))
