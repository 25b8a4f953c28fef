"""The view of a report: an assessment, the key figures of its period and an assessor's review, in one language. Pure.

PDF and HTML lay out the same view, so they say the same.
"""

import json
import re
from dataclasses import dataclass, replace
from functools import cached_property

from maturity.assessing import Assessment
from maturity.framework import Area, Principle
from maturity.levels import LevelState
from maturity.report.criteria import basis_text, criterion_part
from maturity.report.method import data_lead, data_part, kpi_part, method, result_digest
from maturity.report.overview import Overview
from maturity.report.parts import AreaPart, Labelled, LevelPart, PrinciplePart, View
from maturity.report.review import Review
from maturity.report.summary import stand, summary
from maturity.report.words import Language, Words, load

NO_REVIEW = Review()
_DIGEST = 12  # characters of the digest on every page


def view(found: Assessment, language: Language, overview: Overview | None = None, review: Review = NO_REVIEW) -> View:
    """Make the view of an assessment.

    Args:
        found: the assessment.
        language: of all texts and numbers.
        overview: key figures and data coverage of the period; none = not stored.
        review: what an assessor decided.
    """
    words = load(language)
    figures = overview or Overview(found.first, found.last)
    told = _Told(found, figures, review, words)
    period, result = words.days(found.first, found.last), result_digest(found)
    site = figures.names.get("") or found.site
    made = View(
        language=language,
        title=words("title"),
        site=site,
        site_key="" if site == found.site else found.site,
        period=period,
        framework=words.of(found.framework.name),
        status=_status(found, review, words),
        series=(words("supported"), words("claimed"), words("confirmed")),
        short=(words("short.supported"), words("short.claimed"), words("short.confirmed")),
        max_level=max(each.level for each in found.framework.levels),
        summary=summary(found, figures, review, words),
        principles=tuple(told.principle(each) for each in found.framework.principles),
        kpis=tuple(kpi_part(each, words) for each in figures.trends),
        kpi_lead=words("kpi.lead", days=period) if figures.trends else words("kpi.none"),
        data=data_part(figures, words),
        data_lead=data_lead(words),
        method=method(found, words, result),
        result=result[:_DIGEST],
        texts=words.entries,
    )
    return replace(made, method=replace(made.method, abbreviations=_abbreviations(made, words)))


def _abbreviations(made: View, words: Words) -> tuple[Labelled, ...]:
    """What the abbreviations stand for that the report uses."""
    told = {name: each for name, each in made.plain().items() if name != "texts"}
    said = json.dumps([told, *words.entries.values()], ensure_ascii=False)
    return tuple(Labelled(short, text) for short, text in words.abbreviations() if _uses(said, short))


def _uses(said: str, short: str) -> bool:
    literal = re.escape(short)  # stands first: so it is searched for as fast as a plain text
    return re.search(rf"{literal}(?<!\w{literal})(?![\w-])", said) is not None


def _status(found: Assessment, review: Review, words: Words) -> str:
    if not review.decisions:
        return words("status.none")
    done = sum(name in review.decisions for name in found.results)
    return words("status.final" if review.is_final else "status.open", done=done, all=len(found.results))


@dataclass(frozen=True)
class _Told:
    """Everything that the parts of a report speak of."""

    found: Assessment
    overview: Overview
    review: Review
    words: Words

    @cached_property
    def confirmed(self) -> dict[str, int]:
        return self.review.confirmed(self.found.framework)

    def principle(self, principle: Principle) -> PrinciplePart:
        areas = [each for each in self.found.framework.areas if each.principle == principle.key]
        return PrinciplePart(
            stand=stand(self.found, principle.key, self.words.of(principle.name), self.confirmed, self.words),
            basis=self.words("principle.of", basis=basis_text(principle, self.words)),
            areas=tuple(self.area(each) for each in areas),
        )

    def area(self, area: Area) -> AreaPart:
        states = self.found.stands[area.key].states
        return AreaPart(
            stand=stand(self.found, area.key, self.words.of(area.name), self.confirmed, self.words),
            basis=self.words("area.of", basis=basis_text(area, self.words)),
            note=self.words.of(area.note) if area.note else "",
            levels=tuple(self.level(area, each) for each in states),
        )

    def level(self, area: Area, state: LevelState) -> LevelPart:
        named = self.found.framework.level_name(area.key, state.level)
        number = self.words("level.of", level=state.level)
        criteria = self.found.framework.criteria_of(area.key, state.level)
        return LevelPart(
            title=f"{number} · {self.words.of(named[0])}" if named else number,
            outcome=state.outcome.value,
            label=self.words(f"outcome.{state.outcome.value}"),
            criteria=tuple(
                criterion_part(each, self.found, self.overview, self.review, self.words) for each in criteria
            ),
            note="" if criteria else self.words("criterion.none"),
        )
