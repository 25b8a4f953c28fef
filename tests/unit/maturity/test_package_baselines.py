"""Baselines of a package and of the log."""

from datetime import date

from maturity.evaluate import Baseline
from maturity.package.criteria import other_baselines


def test_baselines_are_held_to_those_that_were_frozen() -> None:
    stated = {key: Baseline(0.5, date(2026, 3, 2), date(2026, 3, 8)) for key in ("a", "b", "c", "d")}
    same = {"value": 0.5, "first": "2026-03-02", "last": "2026-03-08", "version": 1}
    logged = {"a": same, "b": {**same, "value": 0.4}, "c": {"value": 0.5}, "e": same}
    said = [each.split(": the baseline of ")[1] for each in other_baselines(stated, logged)]
    assert said == ["b is not the one that the log recorded", "c is not the one that the log recorded"]
