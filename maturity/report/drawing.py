"""Draws the charts of a report as SVG, with vl-convert; nothing is fetched."""

import json
from functools import lru_cache
from typing import Any

from maturity.report import charts
from maturity.report.parts import View

FONTS = {"pdf": "Libertinus Serif", "html": "Liberation Sans, Arial, sans-serif"}
_VIETNAMESE = {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["", " ₫"], "percent": " %"}


def radar(view: View, medium: str) -> str:
    """Levels of the principles."""
    stands = view.summary.stands
    names, values = tuple(each.name for each in stands), tuple(tuple(each.levels) for each in stands)
    spec = _levels(names, values, tuple(view.series), view.max_level, view.texts["chart.radar"])
    return _svg(spec, view.language, medium)


def trends(view: View, medium: str) -> list[str]:
    """A chart per key figure; empty where it has no value at all."""
    return [
        _svg(_trend(each.trend, view.texts["chart.trend"].format(kpi=each.name)), view.language, medium)
        if any(point.value is not None for point in each.trend.points)
        else ""
        for each in view.kpis
    ]


# PDF and HTML show the same specification in other fonts.
_levels = lru_cache(maxsize=8)(charts.levels)
_trend = lru_cache(maxsize=64)(charts.trend)


def _svg(specification: dict[str, Any], language: str, medium: str) -> str:
    config = {**specification["config"], "font": FONTS[medium]}
    return _drawn(json.dumps({**specification, "config": config}), language)


@lru_cache(maxsize=64)
def _drawn(specification: str, language: str) -> str:
    """Drawing takes longer than all the rest of a report; several of its files hold the same charts."""
    import vl_convert  # noqa: PLC0415 - loads an engine that nobody who draws nothing needs

    locale = _VIETNAMESE if language == "vi" else None
    return str(vl_convert.vegalite_to_svg(specification, format_locale=locale))
