"""The view of a report: numbers and reasons in the language, levels three times, what is missing, what was decided."""

import re
from datetime import date, timedelta
from importlib.resources import files

import polars as pl
import pytest
import yaml

from maturity.assessing import assess
from maturity.confirming import Decision
from maturity.errors import MaturityError
from maturity.facts import QUALITY, Facts
from maturity.metrics import METRICS
from maturity.report.again import assessment_of
from maturity.report.overview import Overview, overview
from maturity.report.review import Review, Said
from maturity.report.summary import biggest
from maturity.report.view import view
from maturity.report.words import load
from tests.unit.maturity import invented
from tests.unit.maturity.plain import LAST, SITE, Shelf, criterion, framework, values

DAYS = [LAST - timedelta(days=number) for number in range(30)]
VI, EN = load("vi"), load("en")


def texts(language: str) -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load((files("maturity.report") / "texts" / f"{language}.yaml").read_text("utf-8"))
    return found


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    vi, en = texts("vi"), texts("en")
    assert list(vi) == list(en)
    places = {key: set(re.findall(r"\{(\w+)\}", en[key])) for key in en}
    assert {key: set(re.findall(r"\{(\w+)\}", vi[key])) for key in vi} == places


def test_every_metric_has_a_line_in_both_languages() -> None:
    own = [name for name in METRICS if not name.startswith("kpi.")]
    assert [name for name in own if VI.metric(name) == METRICS[name].explanation] == []
    assert [name for name in own if EN.metric(name) == METRICS[name].explanation] == []


@pytest.mark.parametrize(
    ("metric", "value", "vi", "en"),
    [
        ("kpi.oee", 0.7479, "74,8\xa0%", "74.8%"),
        ("kpi.oee", 0.99951, "99,951\xa0%", "99.951%"),
        ("data.joined_systems", 3.0, "3", "3"),
        ("data.energy_baseline_fit", 0.6, "0,60", "0.60"),
        ("data.latency_p95", 9.5, "9,50\xa0giây", "9.50\xa0s"),
        ("kpi.mtbf", 93600.0, "26\xa0giờ", "26\xa0h"),
    ],
)
def test_values_are_written_as_what_they_are(metric: str, value: float, vi: str, en: str) -> None:
    unit = METRICS[metric].unit
    assert (VI.value(metric, unit, value), EN.value(metric, unit, value)) == (vi, en)


def test_thresholds_are_as_short_as_they_can_be() -> None:
    assert VI.threshold("kpi.oee", "1", ">=", 0.9) == "≥\xa090\xa0%"
    assert EN.threshold("kpi.oee", "1", "<=", 0.125) == "≤\xa012.5%"
    assert EN.threshold("kpi.oee", "1", "<=", None) == "—"


def test_a_criterion_tells_value_threshold_window_machines_and_decision() -> None:
    rows = values(dict.fromkeys(DAYS, (4.0, 10.0)))
    given = framework(criterion("AA-1.1", 1), criterion("AA-2.1", 2, conditions=[DECLARED]))
    found = assess(given, Shelf(rows), "s", (DAYS[-1], LAST), {"p": 2})
    figures = Overview(DAYS[-1], LAST, machines=(("l/b", "Máy B"),))
    told = view(found, "vi", figures, Review({"AA-1.1": Said(Decision.REJECT, "sai", "ab" * 32)}))
    first, second = (each for level in told.principles[0].areas[0].levels for each in level.criteria)
    (row,) = first.comparisons
    assert (row.value, row.required, row.window) == ("40,0\xa0%", "≥\xa050\xa0%", "02/10/2026 – 31/10/2026")
    assert (first.outcome, first.facts[0].text) == ("contradicted", "Máy B")
    assert (first.decision, first.comment) == ("Không chấp nhận", "sai · Tệp đính kèm SHA-256 abababababababab…")
    assert second.missing[0].startswith("Chưa ai khai báo: `haidang maturity declare --metric declared.models_shared")
    stand = told.principles[0].stand
    assert stand.levels == (0, 2, 0)
    assert stand.texts[0] == "dưới cấp 1"
    assert told.summary.gaps[0].why.endswith("40,0\xa0%, yêu cầu ≥\xa050\xa0% (cách ngưỡng 20,0\xa0%)")


def test_a_gap_of_an_earlier_window_says_its_number_and_paper_is_not_bought() -> None:
    good = [LAST - timedelta(days=number) for number in range(30)]
    bad = [LAST - timedelta(days=number) for number in range(30, 60)]
    rows = values({**dict.fromkeys(good, (6.0, 10.0)), **dict.fromkeys(bad, (4.0, 10.0))})
    given = framework(
        criterion("AA-1.1", 1, window={"consecutive": 2}),
        criterion("AA-1.2", 1, conditions=[DECLARED], technology={"any_of": ["T0", "T1"]}),
    )
    groups = tuple(each.model_copy(update={"purchase": each.key != "T0"}) for each in given.technology_groups)
    given = given.model_copy(update={"technology_groups": groups})
    told = view(assess(given, Shelf(rows), "s", (DAYS[-1], LAST), {}), "vi").summary
    assert told.gaps[0].why.endswith("40,0\xa0%, yêu cầu ≥\xa050\xa0%, trong khoảng 02/09/2026 – 01/10/2026")
    assert [each.opens for each in told.groups] == ["Riêng nhóm này giúp đạt 1 tiêu chí: AA-1.2"]
    assert told.free == "Không cần mua gì: ghi chép thủ công cũng giúp đạt AA-1.2."


def test_a_metric_of_an_older_version_keeps_its_name() -> None:
    assert (VI.metric("declared.once"), EN.metric("kpi.once")) == ("declared.once", "kpi.once")


DECLARED = {"metric": "declared.models_shared", "compare": {"operator": ">=", "value": 1}}


def test_without_a_review_no_level_is_confirmed() -> None:
    told = view(invented.assessment(), "en")
    assert {each.levels[2] for each in told.summary.stands} == {None}
    assert told.status.startswith("Drawn from data")
    assert told.summary.coverage == "No readings of the period are stored."


def test_the_biggest_gaps_are_what_data_contradict_the_farthest_first() -> None:
    open_ = biggest(invented.assessment().gaps.open)
    contradicted = [each for each in open_ if each.outcome == "contradicted"]
    far = [each.distance or 0.0 for each in contradicted]
    assert open_[: len(contradicted)] == contradicted
    assert len(far) > 2
    assert far == sorted(far, reverse=True)


def test_a_kept_assessment_is_the_same_again() -> None:
    found = invented.assessment()
    again = assessment_of(found.plain(), found.framework)
    assert again.plain() == found.plain()
    assert view(again, "en") == view(found, "en")


def test_what_is_no_kept_assessment_is_refused() -> None:
    found = invented.assessment()
    with pytest.raises(MaturityError, match="no assessment that can be read again"):
        assessment_of({"site": "x"}, found.framework)
    with pytest.raises(MaturityError, match="other criteria"):
        assessment_of(found.plain(), framework(criterion()))


def quality(share: dict[date, float]) -> pl.DataFrame:
    rows = [
        {
            "asset": "l/a", "name": "state", "production_day": day, "from_us": 0, "to_us": 86_400_000_000,
            "rows": 10, "received": round(100 * part), "expected": 100, "gaps": 1, "gap_us": 3_600_000_000,
            "flat_us": 0, "out_of_range": 0,
        }
        for day, part in share.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=QUALITY)


def test_the_period_is_summed_up_with_its_gaps() -> None:
    first = DAYS[9]
    oee = values({day: (6.0, 10.0) for day in DAYS[:10] if day != DAYS[4]})
    came = {day: (0.5 if day == first else 1.0) for day in DAYS[:10] if day != DAYS[4]}
    facts = Facts(site=SITE, first=first, last=LAST, values=oee, quality=quality(came))
    found = overview(facts, first, LAST)
    trend = found.trends[0]
    assert (trend.kpi, trend.value, trend.grain) == ("oee", 0.6, "day")
    assert [each.first for each in trend.points if each.value is None] == [DAYS[4]]
    (machine,) = found.coverage
    assert (machine.asset, machine.share, machine.thin_days, machine.gap_hours) == ("l/a", 0.85, 2, 9.0)
    assert found.silent_days == (DAYS[4],)


def test_a_long_period_is_told_by_month() -> None:
    first = date(2026, 7, 15)
    days = [first + timedelta(days=number) for number in range((LAST - first).days + 1)]
    facts = Facts(site=SITE, first=first, last=LAST, values=values(dict.fromkeys(days, (1.0, 4.0))))
    trend = overview(facts, first, LAST).trends[0]
    assert (trend.grain, [each.first.month for each in trend.points]) == ("month", [7, 8, 9, 10])
    assert {each.value for each in trend.points} == {0.25}
