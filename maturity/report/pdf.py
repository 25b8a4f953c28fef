"""A view as a PDF, set with Typst: no network, its own fonts only, the same bytes for the same view."""

import json
from importlib.resources import as_file, files

from maturity.report import drawing
from maturity.report.parts import View


def pdf(view: View) -> bytes:
    """Set a view as a PDF of A4 pages."""
    import typst  # noqa: PLC0415 - loads fonts that nobody who sets nothing needs

    charts = {"radar": drawing.radar(view, "pdf"), "trends": drawing.trends(view, "pdf")}
    # What people wrote reaches the template as data: it is set as text and is never read as markup.
    inputs = {"view": json.dumps({**view.plain(), **charts}, ensure_ascii=False)}
    with as_file(files("maturity.report") / "templates") as folder:
        template = folder / "report.typ"
        made = typst.compile(template, root=folder, ignore_system_fonts=True, sys_inputs=inputs, format="pdf")
    return bytes(made)
