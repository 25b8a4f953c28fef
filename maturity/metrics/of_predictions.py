"""Metrics of what models foretold: alerts before failures, completion of orders."""

import json

import polars as pl

from maturity.facts import Facts
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.metrics.of_states import intervals_of, joined

METRICS = Metrics()
_HOUR_US = 3_600_000_000
_NO_ALERTS = "No model foretold failures in the window: write its alerts to `prediction` with model `failure…`."


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


@METRICS.add("data.alert_recall", "1", "Share of failures that a valid alert preceded.", ("min_lead_h",))
def alert_recall(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Failures with a valid alert over all failures."""
    failures, alerts = _failures(facts, scope), _alerts(facts, scope)
    lead = float(parameters.get("min_lead_h", 8)) * _HOUR_US
    assets = facts.assets_of(scope)
    if not alerts:
        return Measured.nothing(_NO_ALERTS, assets)
    if not failures:
        return Measured.nothing("No failure happened in the window.", assets)
    found = sum(any(_matches(alert, failure, lead) for alert in alerts) for failure in failures)
    return Measured(found / len(failures), None, assets, detail={"failures": len(failures), "foretold": found})


@METRICS.add("data.alert_precision", "1", "Share of alerts that a failure followed in time.", ("min_lead_h",))
def alert_precision(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Valid alerts over all alerts."""
    failures, alerts = _failures(facts, scope), _alerts(facts, scope)
    lead = float(parameters.get("min_lead_h", 8)) * _HOUR_US
    assets = facts.assets_of(scope)
    if not alerts:
        return Measured.nothing(_NO_ALERTS, assets)
    good = sum(any(_matches(alert, failure, lead) for failure in failures) for alert in alerts)
    return Measured(good / len(alerts), None, assets, detail={"alerts": len(alerts), "valid": good})


@METRICS.add(
    "data.completion_error",
    "1",
    "Mean error of predicted order completion, relative to the remaining time.",
    (),
    ("order",),
)
def completion_error(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Mean of |foretold - actual end| over the time that was left when it was foretold."""
    del parameters
    orders = facts.records.filter(pl.col("kind") == "order", pl.col("to_us").is_not_null())
    ends: dict[str, int] = dict(orders.select("key", "to_us").iter_rows())
    rows = facts.predictions.filter(pl.col("model").str.starts_with("completion"))
    errors = []
    for made, foretold, detail in rows.select("made_us", "for_us", "detail").iter_rows():
        end = ends.get(json.loads(detail or "{}").get("order", ""))
        if end is not None and end > made:
            errors.append(abs(foretold - end) / (end - made))
    if not errors:
        return Measured.nothing("No completion was foretold of an order that ended in the window.")
    return Measured(sum(errors) / len(errors), None, facts.assets_of(scope), detail={"predictions": len(errors)})
