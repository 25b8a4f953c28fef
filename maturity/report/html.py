"""A view as one HTML file: no script, nothing fetched, charts inside."""

import base64
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from maturity.report import drawing
from maturity.report.parts import View


def html(view: View) -> bytes:
    """Write a view as HTML. What people wrote is escaped; charts are pictures, which run nothing."""
    radar = _picture(drawing.radar(view, "html"))
    trends = [_picture(each) for each in drawing.trends(view, "html")]
    return (_template().render(view=view, t=view.texts, radar=radar, trends=trends).lstrip() + "\n").encode()


def _picture(svg: str) -> str:
    """A chart as an address that holds it; empty for none."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}" if svg else ""


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("maturity.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")
