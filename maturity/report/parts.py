"""The parts of a report's view: text for people already, so that a template only lays it out.

`View.plain()` is JSON: what the PDF's template gets. Numbers stay numbers only where a chart draws them.
"""

from dataclasses import asdict, dataclass
from typing import Any

from maturity.report.overview import Trend


@dataclass(frozen=True)
class Labelled:
    """A name and what stands beside it."""

    label: str
    text: str


@dataclass(frozen=True)
class Stand:
    """Levels of a principle or area: as numbers for charts (null = nobody said one), as texts for tables."""

    name: str
    levels: tuple[int | None, int | None, int | None]  # supported, claimed, confirmed
    texts: tuple[str, str, str]
    next: str


@dataclass(frozen=True)
class Count:
    """Number of criteria with an outcome."""

    outcome: str
    label: str
    number: int


@dataclass(frozen=True)
class Gap:
    """An open criterion that keeps a principle from its next level."""

    id: str
    text: str
    outcome: str
    label: str
    keeps: str
    why: str


@dataclass(frozen=True)
class Group:
    """A technology group to buy, with what it opens."""

    name: str
    content: str
    opens: str
    helps: str


@dataclass(frozen=True)
class Summary:
    """The page for a director."""

    headline: str
    counts: tuple[Count, ...]
    stands: tuple[Stand, ...]
    gaps: tuple[Gap, ...]
    groups: tuple[Group, ...]
    free: str  # what needs no purchase, empty where nothing does
    coverage: str


@dataclass(frozen=True)
class Comparison:
    """One comparison of a criterion in one window."""

    outcome: str
    metric: str
    value: str
    required: str
    window: str
    completeness: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class CriterionPart:
    """A criterion with everything that is known of it."""

    id: str
    level: str
    text: str
    outcome: str
    label: str
    declared: str  # the mark, empty where nothing is declared
    comparisons: tuple[Comparison, ...]
    facts: tuple[Labelled, ...]
    missing: tuple[str, ...]
    decision: str  # verdict, empty where nobody decided
    verdict: str
    comment: str


@dataclass(frozen=True)
class LevelPart:
    """A level of an area with its criteria."""

    title: str
    outcome: str
    label: str
    criteria: tuple[CriterionPart, ...]
    note: str


@dataclass(frozen=True)
class AreaPart:
    """A capability area."""

    stand: Stand
    basis: str
    note: str
    levels: tuple[LevelPart, ...]


@dataclass(frozen=True)
class PrinciplePart:
    """A principle with its areas."""

    stand: Stand
    basis: str
    areas: tuple[AreaPart, ...]


@dataclass(frozen=True)
class KpiPart:
    """A key figure of the period."""

    name: str
    value: str
    complete: str
    grain: str
    trend: Trend


@dataclass(frozen=True)
class DataPart:
    """Data per machine and what is missing."""

    rows: tuple[tuple[str, str, str, str], ...]
    more: str
    silent: str


@dataclass(frozen=True)
class Method:
    """How the report came about, on what, and how to check it."""

    sections: tuple[Labelled, ...]
    sources: tuple[Labelled, ...]
    areas: tuple[Labelled, ...]
    digests: tuple[Labelled, ...]
    disclaimer: str
    abbreviations: tuple[Labelled, ...] = ()  # those that the report uses


@dataclass(frozen=True)
class View:
    """A whole report in one language."""

    language: str
    title: str
    site: str
    site_key: str  # empty where the site has no name beside it
    period: str
    framework: str
    status: str
    series: tuple[str, str, str]  # names of supported, claimed, confirmed
    short: tuple[str, str, str]  # the same for narrow columns
    max_level: int
    summary: Summary
    principles: tuple[PrinciplePart, ...]
    kpis: tuple[KpiPart, ...]
    kpi_lead: str
    data: DataPart
    data_lead: str
    method: Method
    result: str  # beginning of the digest of the results: every page of a report bears it
    texts: dict[str, str]

    def plain(self) -> dict[str, Any]:
        """As plain data; charts are added by whoever draws it."""
        found = asdict(self)
        for each in found["kpis"]:
            del each["trend"]
        return found
