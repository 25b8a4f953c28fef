"""The last part of a report: key figures, data gaps, method, sources, digests, disclaimers. Pure."""

from dataclasses import replace

from maturity.assessing import Assessment
from maturity.evaluate import ConditionResult, CriterionResult
from maturity.framework import Area, Principle, Sourced
from maturity.report.criteria import basis_text
from maturity.report.overview import GATE, Overview, Trend
from maturity.report.parts import DataPart, KpiPart, Labelled, Method
from maturity.report.words import Words
from model import wording
from model.canonical import digest

MOST_ROWS = 20
_SECTIONS = ("results", "levels", "gaps", "boundary")


def kpi_part(trend: Trend, words: Words) -> KpiPart:
    """A key figure of the period with how it went."""
    metric = f"kpi.{trend.kpi}"
    has_value = trend.value is not None
    complete = "" if trend.completeness is None else words("kpi.complete", share=words.percent(trend.completeness))
    return KpiPart(
        name=words.metric(metric),
        value=words.value(metric, trend.unit, trend.value) if has_value else words("kpi.no_value"),
        complete=complete if has_value else "",
        grain=words(f"kpi.by_{trend.grain}"),
        trend=trend,
    )


def data_part(overview: Overview, words: Words) -> DataPart:
    """Data of the machines, the worst first, and the days without any."""
    rows = tuple(
        (
            each.name,
            words.percent(each.share),
            words.number(each.thin_days),
            words("data.hours", n=words.number(each.gap_hours, 1)),
        )
        for each in overview.coverage[:MOST_ROWS]
    )
    rest = overview.coverage[MOST_ROWS:]
    more = words("data.more", n=len(rest), share=words.percent(rest[0].share)) if rest else ""
    if not overview.coverage:
        return DataPart((), "", words("data.none"))
    silent = ", ".join(words.day(each) for each in overview.silent_days)
    return DataPart(rows, more, words("data.silent", days=silent) if silent else words("data.no_silent"))


def data_lead(words: Words) -> str:
    """What the table of data says."""
    return words("data.lead", gate=wording.share(GATE, words.language, 0))


def method(found: Assessment, words: Words, result: str) -> Method:
    """How it came about, and how to check it; `result` is the digest of the results."""
    framework = found.framework
    sections = [Labelled(words(f"method.{each}"), words(f"method.{each}.text")) for each in _SECTIONS]
    declared = [each for each in framework.criteria if _is_declared(each.id, found)]
    sections.append(Labelled(words("method.declared"), words("method.declared.text", n=len(declared))))
    own = sum(each.threshold_origin == "project_default" for each in framework.criteria)
    numbers = {"project": own, "all": len(framework.criteria), "source": len(framework.criteria) - own}
    sections.append(Labelled(words("method.basis"), words("method.thresholds", **numbers)))
    parts: tuple[Principle | Area, ...] = (*framework.principles, *framework.areas)
    version = words("method.catalogue.version", key=framework.key, version=framework.version)
    return Method(
        sections=tuple(sections),
        sources=tuple(Labelled(key, text) for key, text in framework.sources.items()),
        areas=tuple(Labelled(words.of(each.name), _basis_and_note(each, words)) for each in parts),
        digests=(
            Labelled(words("method.catalogue"), version),
            Labelled(words("method.catalogue.digest"), digest(framework.plain())),
            Labelled(words("method.result.digest"), result),
        ),
        disclaimer=words.of(framework.disclaimer),
    )


def result_digest(found: Assessment) -> str:
    """SHA-256 of the results as a package holds them: without free texts, which may name people."""
    results = {name: _without_statements(each) for name, each in found.results.items()}
    return digest(replace(found, results=results).plain())


def _without_statements(result: CriterionResult) -> CriterionResult:
    windows = tuple(
        replace(window, conditions=tuple(_without_statement(each) for each in window.conditions))
        for window in result.windows
    )
    return replace(result, windows=windows)


def _without_statement(condition: ConditionResult) -> ConditionResult:
    if "statement" not in condition.detail:
        return condition
    return replace(condition, detail={**condition.detail, "statement": ""})


def _basis_and_note(part: Sourced, words: Words) -> str:
    return f"{basis_text(part, words)}{f'. {words.of(part.note)}' if part.note else ''}"


def _is_declared(criterion: str, found: Assessment) -> bool:
    return any(each.metric.startswith("declared.") for each in found.results[criterion].newest.conditions)
