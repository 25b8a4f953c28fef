"""Charts as Vega-Lite specifications made with Altair: for the report, and for pages that show the same.

In: plain numbers and names. Out: specifications as plain data. Whoever shows one draws it: the console in the browser,
the report with vl-convert (`maturity.report.drawing`).
"""

import math
import textwrap
from collections.abc import Sequence
from typing import Any, Literal

from maturity.report.overview import Trend

# Supported, claimed, confirmed: told apart by colour, dash and shape, so that they survive a black-and-white printer.
COLOURS = ("#0e6a78", "#c8741a", "#3b3f8c")
DASHES = ([1, 0], [5, 3], [2, 2])
SHAPES = ("circle", "square", "diamond")
TEXT, MUTED, LINE = "#16262b", "#526168", "#d3dcdf"
FEWEST_AXES = 3
_RADIUS = 82.0
_WIDTH, _HEIGHT = 310.0, 246.0  # with room for the names, whatever a font makes of them
_FEW = 6  # ticks of a time axis
_CORE = 0.12  # level 0 is a small ring, not a point that hides everything
_LABEL_CHARACTERS = 16
_SIZES = (64, 40, 26)
_WIDTHS = (3.2, 1.8, 1.4)  # wide below narrow: lines that coincide are all seen
_LINE_HEIGHT = 12


def levels(
    names: Sequence[str], values: Sequence[Sequence[int | None]], series: Sequence[str], most: int, title: str
) -> dict[str, Any]:
    """Levels of principles: a radar, or lines of dots where there are too few axes for one.

    Args:
        names: of the principles.
        values: per principle, the level of each series; a series without a single level is left out.
        series: names of the series, at most three.
        most: highest level.
        title: description for those who cannot see it.
    """
    present = [number for number in range(len(series)) if any(each[number] is not None for each in values)]
    drawn = _radar if len(names) >= FEWEST_AXES else _dots
    chart = drawn(names, values, series, most, present).properties(description=title)
    made: dict[str, Any] = chart.to_dict(validate=False)
    return made


def trend(found: Trend, title: str, width: int = 250, height: int = 90) -> dict[str, Any]:
    """A key figure by day or month; a day without a value is a gap in the line."""
    import altair as alt  # noqa: PLC0415 - a second of processor time that nobody who draws nothing need wait for

    rows = [{"at": each.first.isoformat(), "value": each.value} for each in found.points]
    form = "%d/%m" if found.grain == "day" else "%m/%Y"
    numbers = ".0%" if found.unit == "1" else ",.3~r"
    ticks: Any = found.grain if len(found.points) <= _FEW else _FEW  # no two ticks within a day or month
    x = alt.X("at:T", axis=alt.Axis(format=form, title=None, grid=False, tickCount=ticks, labelOverlap=True))
    y_axis = alt.Axis(format=numbers, title=None, tickCount=4, domain=False)
    y = alt.Y("value:Q", axis=y_axis, scale=alt.Scale(zero=found.unit != "1", nice=True))
    dots = {"size": 12, "filled": True, "color": COLOURS[0]}
    line = alt.Chart({"values": rows}).mark_line(color=COLOURS[0], strokeWidth=1.6, point=dots)
    chart = line.encode(x=x, y=y)
    sized = _styled(chart.properties(width=width, height=height, description=title))
    made: dict[str, Any] = sized.to_dict(validate=False)
    return made


def _radar(
    names: Sequence[str], values: Sequence[Sequence[int | None]], series: Sequence[str], most: int, present: list[int]
) -> Any:
    import altair as alt  # noqa: PLC0415

    layers = [_rings(len(names), most), _spokes(len(names))]
    layers += [_shape(number, series[number], [each[number] for each in values], most) for number in present]
    layers += [_names(names), _ring_numbers(most)]
    return _styled(alt.layer(*layers).properties(width=_WIDTH, height=_HEIGHT, autosize="none"))


def _rings(axes: int, most: int) -> Any:
    import altair as alt  # noqa: PLC0415

    rows = [
        {"ring": level, "order": corner, **_at(corner % axes, axes, _share(level, most))}
        for level in range(most + 1)
        for corner in range(axes + 1)
    ]
    line = alt.Chart({"values": rows}).mark_line(color=LINE, strokeWidth=0.8)
    return line.encode(x=_x("x"), y=_y("y"), detail="ring:N", order="order:Q")


def _spokes(axes: int) -> Any:
    import altair as alt  # noqa: PLC0415

    rows = [{"x": 0.0, "y": 0.0, "x2": end["x"], "y2": end["y"]} for end in (_at(n, axes, 1) for n in range(axes))]
    rule = alt.Chart({"values": rows}).mark_rule(color=LINE, strokeWidth=0.8)
    return rule.encode(x=_x("x"), y=_y("y"), x2="x2:Q", y2="y2:Q")


def _shape(number: int, name: str, levels_: Sequence[int | None], most: int) -> Any:
    """The closed line of a series; open where a principle has no level of it."""
    import altair as alt  # noqa: PLC0415

    axes = len(levels_)
    rows = [
        {"order": corner, "series": name, **_at(corner % axes, axes, _share(level, most))}
        for corner in range(axes + 1)
        if (level := levels_[corner % axes]) is not None
    ]
    fill: dict[str, Any] = {"fill": COLOURS[0], "fillOpacity": 0.16} if number == 0 else {}
    line = alt.Chart({"values": rows}).mark_line(
        color=COLOURS[number],
        strokeWidth=_WIDTHS[number],
        strokeDash=DASHES[number],
        point={"shape": SHAPES[number], "size": _SIZES[number], "filled": True, "color": COLOURS[number], "opacity": 1},
        **fill,
    )
    return line.encode(x=_x("x"), y=_y("y"), order="order:Q")


def _names(names: Sequence[str]) -> Any:
    """Names around the radar, broken into lines that keep clear of it."""
    import altair as alt  # noqa: PLC0415

    marks = []
    placed = [_placed(number, name, len(names)) for number, name in enumerate(names)]
    sides: tuple[Literal["left", "center", "right"], ...] = ("left", "center", "right")
    for side in sides:
        rows = [row for row in placed if row["side"] == side]
        mark = alt.Chart({"values": rows}).mark_text(
            align=side, baseline="middle", lineHeight=_LINE_HEIGHT, color=TEXT, fontSize=10
        )
        marks.append(mark.encode(x=_x("x"), y=_y("y"), text="name:N"))
    return alt.layer(*marks)


def _placed(number: int, name: str, axes: int) -> dict[str, Any]:
    """A name in lines, and where its first line goes: beside the radar in the middle of the lines, else clear of it."""
    lines = textwrap.wrap(name, _LABEL_CHARACTERS)
    end = _at(number, axes, 1.11)
    height = (len(lines) - 1) * _LINE_HEIGHT
    if abs(end["x"]) > _RADIUS * 0.1:
        side, lift = ("left" if end["x"] > 0 else "right"), height / 2
    else:
        side, lift = "center", (height + 2 if end["y"] > 0 else 2 - _LINE_HEIGHT)
    return {"x": end["x"], "y": end["y"] + lift, "name": lines, "side": side}


def _ring_numbers(most: int) -> Any:
    """The number of each ring, beside the upright spoke."""
    import altair as alt  # noqa: PLC0415

    rows = [{**_at(0, 1, _share(level, most)), "level": str(level)} for level in range(1, most + 1)]
    mark = alt.Chart({"values": rows}).mark_text(align="right", dx=-3, dy=5, color=MUTED, fontSize=8.5)
    return mark.encode(x=_x("x"), y=_y("y"), text="level:N")


def _dots(
    names: Sequence[str], values: Sequence[Sequence[int | None]], series: Sequence[str], most: int, present: list[int]
) -> Any:
    import altair as alt  # noqa: PLC0415

    rows = [
        {"name": name, "series": series[number], "level": levels_[number]}
        for name, levels_ in zip(names, values, strict=True)
        for number in present
        if levels_[number] is not None
    ]
    shown = [series[number] for number in present]
    x = alt.X("level:Q", scale=alt.Scale(domain=[0, most]), axis=alt.Axis(tickCount=most, format="d", title=None))
    y = alt.Y("name:N", sort=list(names), axis=alt.Axis(title=None, labelLimit=220, grid=True))
    colour = alt.Color("series:N", legend=None, scale=alt.Scale(domain=shown, range=[COLOURS[n] for n in present]))
    shape = alt.Shape("series:N", legend=None, scale=alt.Scale(domain=shown, range=[SHAPES[n] for n in present]))
    mark = alt.Chart({"values": rows}).mark_point(size=90, filled=True, opacity=0.85)
    return _styled(mark.encode(x=x, y=y, color=colour, shape=shape).properties(width=240, height=60 * len(names)))


def _share(level: int, most: int) -> float:
    return _CORE + (1 - _CORE) * level / most


def _at(axis: int, axes: int, share: float) -> dict[str, float]:
    """A place on a spoke; the first one points up, the others follow clockwise."""
    angle = math.pi / 2 - 2 * math.pi * axis / axes
    return {"x": round(_RADIUS * share * math.cos(angle), 3), "y": round(_RADIUS * share * math.sin(angle), 3)}


def _x(field: str) -> Any:
    import altair as alt  # noqa: PLC0415

    return alt.X(f"{field}:Q", axis=None, scale=alt.Scale(domain=[-_WIDTH / 2, _WIDTH / 2], nice=False))


def _y(field: str) -> Any:
    import altair as alt  # noqa: PLC0415

    return alt.Y(f"{field}:Q", axis=None, scale=alt.Scale(domain=[-_HEIGHT / 2, _HEIGHT / 2], nice=False))


def _styled(chart: Any) -> Any:
    axis = {"labelColor": MUTED, "labelFontSize": 9.5, "gridColor": "#e6ecee", "domainColor": LINE, "tickColor": LINE}
    view = {"stroke": None, "clip": False}
    return chart.configure(background="transparent", view=view, axis=axis, padding=2)
