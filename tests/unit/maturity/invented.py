"""A site of invention, assessed against Lighthouse OS: for the tests of reports, and to look at a report.

`python -m tests.unit.maturity.invented FOLDER` writes it in both languages and formats.
"""

import math
from datetime import date, timedelta

from maturity.assessing import Assessment
from maturity.confirming import Decision
from maturity.evaluate import Baseline, ConditionResult, CriterionResult, Outcome, WindowResult
from maturity.framework import Criterion, Framework
from maturity.gaps import gap_view
from maturity.levels import standings
from maturity.loading import framework
from maturity.metrics import METRICS, record_rows
from maturity.reasons import Reason, because, share
from maturity.report.overview import Coverage, Overview, Point, Trend
from maturity.report.review import Review, Said

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
MACHINES = (
    ("", "Nhà máy đúc ép Hải Phòng"),
    *((f"line{n}/press{m}", f"Máy ép {n}-{m}") for n in (1, 2) for m in (1, 2, 3, 4)),
)
_RANK = {"ADD": 2, "ARP": 2, "EMS": 1, "CTF": 1, "EES": 0, "LRN": 1}
_CONTRADICTED = {"ARP-3.1", "CTF-2.1", "EMS-2.3", "LRN-2.1", "ADD-3.2", "EES-1.1"}
_UNKNOWN = {"ADD-2.3", "ARP-2.4"}
_CLAIMS = {"ADD": 4, "ARP": 3, "EMS": 3, "CTF": 2, "EES": 1, "LRN": 3}


def assessment() -> Assessment:
    """An assessment with every kind of outcome."""
    catalogue = framework("lighthouse-os")
    results = {each.id: _result(each) for each in catalogue.criteria}
    stands = standings(catalogue, {name: each.outcome for name, each in results.items()})
    gaps = gap_view(catalogue, stands, results, ["T1"])
    return Assessment("duc-ep-hp", catalogue, FIRST, LAST, results, stands, _claims(catalogue), gaps)


def review(found: Assessment) -> Review:
    """Decisions on most criteria that the data support, and one that does not apply."""
    supported = [name for name, each in found.results.items() if each.outcome is Outcome.SUPPORTED]
    decisions = {name: Said(Decision.ACCEPT) for name in supported}
    decisions[supported[3]] = Said(Decision.REJECT, "Nguyên nhân ghi tại máy ép 2-4 không khớp với phiếu bảo trì.")
    decisions["EES-1.1"] = Said(Decision.NOT_APPLICABLE, "Nhà máy không nhận lệnh từ hệ thống khác.", "ab" * 32)
    return Review(decisions, is_final=False)


def overview() -> Overview:
    """Key figures with a gap of two days."""
    days = [FIRST + timedelta(days=number) for number in range(31)]
    silent = (date(2026, 10, 17), date(2026, 10, 18))
    shapes = (("oee", 0.68, 0.05), ("availability", 0.84, 0.03), ("unplanned_downtime_ratio", 0.11, 0.03),
              ("specific_energy", 0.41, 0.04), ("co2e_location", 812.0, 90.0),
              ("good_quantity", 18_400.0, 1_500.0))  # fmt: skip
    units = {"specific_energy": "kWh/piece", "co2e_location": "kg", "good_quantity": "piece"}
    trends = tuple(
        Trend(kpi, units.get(kpi, "1"), middle * 29 if middle > 1 else middle, 0.978, "day", tuple(
            Point(day, None if day in silent else middle + swing * math.sin(number * 0.9 + middle))
            for number, day in enumerate(days)
        ))
        for kpi, middle, swing in shapes
    )  # fmt: skip
    coverage = tuple(
        Coverage(key, name, 0.912 + 0.01 * number, max(0, 5 - number), 61.5 / (number + 1))
        for number, (key, name) in enumerate(MACHINES[1:])
    )
    return Overview(FIRST, LAST, trends, 0.978, 1.0, MACHINES, coverage, silent)


def _claims(catalogue: Framework) -> dict[str, int]:
    found: dict[str, int] = {}
    area_of = {each.key: each.principle for each in catalogue.areas}
    for each in catalogue.criteria:
        found[each.area] = found[area_of[each.area]] = _CLAIMS[each.id.split("-")[0]]
    return found


def _result(criterion: Criterion) -> CriterionResult:
    prefix = criterion.id.split("-")[0]
    if criterion.id in _CONTRADICTED:
        outcome = Outcome.CONTRADICTED
    else:
        is_there = criterion.level <= _RANK[prefix] and criterion.id not in _UNKNOWN
        outcome = Outcome.SUPPORTED if is_there else Outcome.NOT_ASSESSABLE
    length = timedelta(days=criterion.window.days)
    windows = tuple(
        _window(criterion, LAST - number * length, outcome) for number in range(criterion.window.consecutive)
    )
    return CriterionResult(criterion.id, criterion.version, criterion.area, criterion.level, outcome, windows)


def _window(criterion: Criterion, last: date, outcome: Outcome) -> WindowResult:
    first = last - timedelta(days=criterion.window.days - 1)
    conditions = []
    for condition in criterion.every_condition:
        metric = METRICS[condition.metric]
        baseline = Baseline(0.2, date(2026, 6, 1), date(2026, 6, 30)) if condition.compare.needs_baseline else None
        threshold = condition.compare.threshold(baseline.value if baseline else None)
        declared = condition.metric.startswith("declared.")
        conditions.append(
            ConditionResult(
                metric=condition.metric, scope=condition.scope, operator=condition.compare.operator.value,
                outcome=outcome, threshold=threshold,
                value=_value(outcome, threshold, condition.compare.operator.value),
                unit=metric.unit, completeness=None if declared else 0.981,
                assets=() if declared else tuple(key for key, _ in MACHINES[1:]),
                missing=_missing(condition.metric) if outcome is Outcome.NOT_ASSESSABLE else None, baseline=baseline,
                detail={"statement": "Hợp đồng số 12 với ba khách hàng", "attachment": "cd" * 32} if declared else {},
                declared=declared and outcome is not Outcome.NOT_ASSESSABLE,
            )
        )  # fmt: skip
    return WindowResult(first, last, outcome, tuple(conditions))


def _value(outcome: Outcome, threshold: float | None, operator: str) -> float | None:
    if outcome is Outcome.NOT_ASSESSABLE or threshold is None:
        return None
    good = outcome is Outcome.SUPPORTED
    if operator.startswith(">"):
        return min(1.0, threshold * 1.07) if good and threshold <= 1 else threshold * (1.07 if good else 0.74791)
    return threshold * (0.8 if good else 1.62)


def _missing(metric: str) -> Reason:
    if metric.startswith("declared."):
        command = f"`haidang maturity declare --metric {metric} --value N --attachment FILE`"
        return because("not_declared", command=command)
    if metric.startswith("record."):
        return record_rows.missing(METRICS[metric].requires[0])
    return because("below_gate", share=share(0.913, 1), gate=share(0.95, 0))


if __name__ == "__main__":
    import sys
    from pathlib import Path

    from maturity.report.making import reports

    found = assessment()
    for (language, form), content in reports(found, overview(), review(found)).items():
        Path(sys.argv[1], f"report-{language}.{form}").write_bytes(content)
