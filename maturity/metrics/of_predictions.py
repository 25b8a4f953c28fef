"""Metrics of what models foretold: alerts before failures, completion of orders."""

import json

import polars as pl

from maturity.facts import Facts
from maturity.metrics.coverage import of_states
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.metrics.of_states import intervals_of, joined
from maturity.reasons import because

METRICS = Metrics()
_HOUR_US = 3_600_000_000
_NO_ALERTS = "no_failure_model"


def _failures(facts: Facts, scope: str) -> list[tuple[str, int]]:
    """Asset and beginning of each failure."""
    found = joined(intervals_of(facts, scope).filter(pl.col("sub_class") == "fault"), [])
    return list(found.select("asset", "from_us").iter_rows())


def _alerts(facts: Facts, scope: str) -> list[tuple[str, int, int]]:
    """Asset, moment of the alert, and until when the failure was foretold."""
    rows = facts.predictions.filter(
        pl.col("model").str.starts_with("failure"), pl.col("asset").is_in(list(facts.assets_of(scope)))
    )
    return list(rows.select("asset", "made_us", "for_us").iter_rows())


def _matches(alert: tuple[str, int, int], failure: tuple[str, int], lead_us: float) -> bool:
    """A valid alert: of this machine, early enough, and the failure came by the time foretold."""
    return alert[0] == failure[0] and alert[1] + lead_us <= failure[1] <= alert[2]


@METRICS.add(
    "data.alert_recall",
    "1",
    "Failures that an alert of their machine foretold early enough, over all.",
    ("min_lead_h",),
)
def alert_recall(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Failures with a valid alert over all failures."""
    failures, alerts = _failures(facts, scope), _alerts(facts, scope)
    lead = float(parameters.get("min_lead_h", 8)) * _HOUR_US
    assets = facts.assets_of(scope)
    if not alerts:
        return Measured.nothing(because(_NO_ALERTS), assets)
    if not failures:
        return Measured.nothing(because("no_failures"), assets)
    found = sum(any(_matches(alert, failure, lead) for alert in alerts) for failure in failures)
    complete = of_states(facts, scope, intervals_of(facts, scope))
    return Measured(found / len(failures), complete, assets, detail={"failures": len(failures), "foretold": found})


@METRICS.add(
    "data.alert_precision", "1", "Alerts that a failure followed in time, over those that came due.", ("min_lead_h",)
)
def alert_precision(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Of alerts made in the window; one whose time is not over by its end counts only where the failure came."""
    failures, (low, high) = _failures(facts, scope), facts.bounds_us
    lead = float(parameters.get("min_lead_h", 8)) * _HOUR_US
    assets = facts.assets_of(scope)
    made = [alert for alert in _alerts(facts, scope) if low <= alert[1] < high]
    alerts = [each for each in made if each[2] <= high or any(_matches(each, failure, lead) for failure in failures)]
    if not alerts:
        return Measured.nothing(because(_NO_ALERTS if not made else "no_alert_due"), assets)
    good = sum(any(_matches(alert, failure, lead) for failure in failures) for alert in alerts)
    complete = of_states(facts, scope, intervals_of(facts, scope))
    return Measured(good / len(alerts), complete, assets, detail={"alerts": len(alerts), "valid": good})


@METRICS.add(
    "data.completion_error",
    "1",
    "Mean of |foretold - actual end| over the time that was left, of orders that ended in the window.",
    (),
    ("order",),
)
def completion_error(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A prediction names its order (`order`); each counts, those made after the end do not."""
    del parameters
    orders = facts.records.filter(pl.col("kind") == "order", pl.col("to_us").is_between(*facts.bounds_us, "left"))
    ends: dict[str, int] = dict(orders.select("key", "to_us").iter_rows())
    rows = facts.predictions.filter(pl.col("model").str.starts_with("completion"))
    errors = []
    for made, foretold, detail in rows.select("made_us", "for_us", "detail").iter_rows():
        end = ends.get(json.loads(detail or "{}").get("order", ""))
        if end is not None and end > made:
            errors.append(abs(foretold - end) / (end - made))
    if not errors:
        return Measured.nothing(because("no_completions"))
    return Measured(sum(errors) / len(errors), None, facts.assets_of(scope), detail={"predictions": len(errors)})
