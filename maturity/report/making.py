"""Makes the files of a report: PDF and HTML, Vietnamese and English. The same assessment gives the same bytes."""

from typing import Literal

from maturity.assessing import Assessment
from maturity.report.html import html
from maturity.report.overview import Overview
from maturity.report.parts import View
from maturity.report.pdf import pdf
from maturity.report.review import Review
from maturity.report.view import NO_REVIEW, view
from maturity.report.words import LANGUAGES, Language

Form = Literal["pdf", "html"]
FORMS: tuple[Form, ...] = ("pdf", "html")


def report(
    found: Assessment, language: Language, form: Form, overview: Overview | None = None, review: Review = NO_REVIEW
) -> bytes:
    """Make one file of a report.

    Args:
        found: the assessment.
        language: of the texts and numbers.
        form: PDF or HTML.
        overview: key figures and data coverage of the period.
        review: what an assessor decided.
    """
    return _laid_out(view(found, language, overview, review), form)


def reports(
    found: Assessment, overview: Overview | None = None, review: Review = NO_REVIEW
) -> dict[tuple[Language, Form], bytes]:
    """Make every file of a report, by language and form; for packages."""
    views = {language: view(found, language, overview, review) for language in LANGUAGES}
    return {(language, form): _laid_out(told, form) for language, told in views.items() for form in FORMS}


def _laid_out(told: View, form: Form) -> bytes:
    return pdf(told) if form == "pdf" else html(told)
