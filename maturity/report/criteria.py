"""Criteria of a report: every comparison with its number, on what it rests, what is missing, what was decided. Pure."""

from collections.abc import Mapping

from maturity.assessing import Assessment
from maturity.evaluate import ConditionResult, CriterionResult, WindowResult
from maturity.framework import AnyOf, Criterion, Sourced
from maturity.report.overview import Overview
from maturity.report.parts import Comparison, CriterionPart, Labelled
from maturity.report.review import Review
from maturity.report.words import NOTHING, Words

MOST_MACHINES = 6
DIGEST_SHOWN = 16


def criterion_part(
    criterion: Criterion, found: Assessment, overview: Overview, review: Review, words: Words
) -> CriterionPart:
    """Tell a criterion."""
    result = found.results[criterion.id]
    said = review.decisions.get(criterion.id)
    return CriterionPart(
        id=criterion.id,
        level=words("level.of", level=criterion.level),
        text=words.of(criterion.text),
        outcome=result.outcome.value,
        label=words(f"outcome.{result.outcome.value}"),
        declared=words("declared") if result.declared else "",
        comparisons=_comparisons(criterion, result, words),
        facts=_facts(criterion, result, found, overview.names, words),
        missing=tuple(each.of(words.language) for each in result.missing),
        decision=words(f"decision.{said.decision.value}") if said else "",
        verdict=said.decision.value if said else "",
        comment=_comment(said.comment, said.attachment, words) if said else "",
    )


def basis_text(part: Sourced, words: Words) -> str:
    """Where a part comes from, with its source."""
    basis = words(f"basis.{part.basis.value}")
    return words("basis.source", basis=basis, source=part.source_ref) if part.source_ref else basis


def _comparisons(criterion: Criterion, result: CriterionResult, words: Words) -> tuple[Comparison, ...]:
    """The newest window first; the windows before it follow with the same comparisons."""
    alternatives = _alternatives(criterion)
    return tuple(
        _comparison(condition, window, is_other, words)
        for window in result.windows
        for condition, is_other in zip(window.conditions, alternatives, strict=True)
    )


def _alternatives(criterion: Criterion) -> list[bool]:
    """Per comparison, whether it stands in for the one before it."""
    flags: list[bool] = []
    for part in criterion.conditions:
        flags += [number > 0 for number in range(len(part.any_of))] if isinstance(part, AnyOf) else [False]
    return flags


def _comparison(condition: ConditionResult, window: WindowResult, is_other: bool, words: Words) -> Comparison:
    metric, unit = condition.metric, condition.unit
    name = words.metric(metric)
    return Comparison(
        outcome=condition.outcome.value,
        metric=f"{words('criterion.or')} {name}" if is_other else name,
        value=words.value(metric, unit, condition.value),
        required=words.threshold(metric, unit, condition.operator, condition.threshold),
        window=words.days(window.first, window.last),
        completeness=NOTHING if condition.completeness is None else words.percent(condition.completeness),
        notes=_notes(condition, words),
    )


def _notes(condition: ConditionResult, words: Words) -> tuple[str, ...]:
    notes = []
    if (baseline := condition.baseline) is not None:
        value = words.value(condition.metric, condition.unit, baseline.value)
        days = words.days(baseline.first, baseline.last)
        notes.append(words("criterion.baseline", value=value, days=days, version=baseline.version))
    if condition.declared:
        notes.append(words("declared.note", statement=condition.detail.get("statement") or NOTHING))
        if attachment := condition.detail.get("attachment"):
            notes.append(words("declared.attachment", digest=str(attachment)[:DIGEST_SHOWN]))
    return tuple(notes)


def _facts(
    criterion: Criterion, result: CriterionResult, found: Assessment, names: Mapping[str, str], words: Words
) -> tuple[Labelled, ...]:
    kinds = [
        words(f"evidence.{criterion.evidence.value}"),
        words("criterion.basis", basis=basis_text(criterion, words)),
    ]
    kinds.append(words(f"origin.{criterion.threshold_origin}"))
    if not criterion.mandatory:
        kinds.append(words("criterion.optional"))
    facts = [Labelled(words("criterion.evidence"), " · ".join(kinds))]
    if machines := _machines(result, names, words):
        facts.insert(0, Labelled(words("criterion.machines"), machines))
    groups = {each.key: words.of(each.name) for each in found.framework.technology_groups}
    technology = [groups.get(key, key) for key in criterion.technology.all_of]
    if criterion.technology.any_of:
        technology.append(f" {words('criterion.or')} ".join(groups.get(k, k) for k in criterion.technology.any_of))
    if technology:
        facts.append(Labelled(words("criterion.technology"), " + ".join(technology)))
    return tuple(facts)


def _machines(result: CriterionResult, names: Mapping[str, str], words: Words) -> str:
    """Names of the machines it speaks of, each once; the first few of many."""
    keys = dict.fromkeys(key for each in result.newest.conditions for key in each.assets)
    shown = [names.get(key, key) if key else words("criterion.whole_site") for key in keys]
    if len(shown) <= MOST_MACHINES + 1:
        return ", ".join(shown)
    return f"{', '.join(shown[:MOST_MACHINES])}, {words('criterion.more', n=len(shown) - MOST_MACHINES)}"


def _comment(comment: str, attachment: str | None, words: Words) -> str:
    parts = [comment] if comment else []
    if attachment:
        parts.append(words("declared.attachment", digest=attachment[:DIGEST_SHOWN]))
    return " · ".join(parts)
