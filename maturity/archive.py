"""All facts of a site up to the end of a period, cut into windows, with frozen baselines and those found now. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from maturity.evaluate import Baseline, metric_of
from maturity.facts import Facts
from maturity.framework import Condition
from model.canonical import canonical_json

BASELINE_DAYS = 30
BASELINE_GATE = 0.95
DAY = timedelta(days=1)


def baseline_key(condition: Condition) -> str:
    """Name what a baseline measures: metric, scope and parameters."""
    parameters = canonical_json(dict(condition.parameters)).decode() if condition.parameters else ""
    return f"{condition.metric}@{condition.scope}{parameters}"


@dataclass
class SiteArchive:
    """An archive over facts that are all in memory.

    Attributes:
        whole: facts from the site's first production day to the end of the period.
        frozen: baselines of earlier assessments, by `baseline_key`; they never move.
        found: baselines that this evaluation found first; whoever can keep them freezes them.
    """

    whole: Facts | None
    frozen: Mapping[str, Baseline] = field(default_factory=dict)
    found: dict[str, Baseline] = field(default_factory=dict)
    _searched: set[str] = field(default_factory=set)
    _windows: dict[tuple[date, date], Facts] = field(default_factory=dict)

    def facts(self, first: date, last: date) -> Facts | None:
        """Facts of these production days, null where the window begins after all or ends before the first."""
        if self.whole is None or first > self.whole.last or last < self.whole.first:
            return None
        if (first, last) not in self._windows:
            self._windows[first, last] = self.whole.window(first, last)
        return self._windows[first, last]

    def baseline(self, condition: Condition, days: int) -> Baseline | None:
        """The frozen baseline, else the first window of 30 days in which the metric passes the gate."""
        del days
        key = baseline_key(condition)
        known = self.frozen.get(key) or self.found.get(key)
        if known is None and key not in self._searched:
            self._searched.add(key)
            known = self._search(condition)
            if known is not None:
                self.found[key] = known
        return known

    def _search(self, condition: Condition) -> Baseline | None:
        if self.whole is None:
            return None
        metric = metric_of(condition.metric)
        first = self.whole.first
        while (last := first + (BASELINE_DAYS - 1) * DAY) <= self.whole.last:
            facts = self.facts(first, last)
            measured = metric.measure(facts, condition.scope, condition.parameters) if facts else None
            if measured and measured.value is not None and (measured.completeness or 1.0) >= BASELINE_GATE:
                return Baseline(measured.value, first, last)
            first += DAY
        return None
