"""All facts of a site up to the end of a period, cut into windows, with frozen baselines and those found now. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from maturity.evaluate import Baseline, metric_of
from maturity.facts import Facts
from maturity.framework import BaselineRule, Condition
from maturity.metrics.measured import Measured
from model.canonical import canonical_json

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
MOST_WINDOWS = 256
# A baseline may begin on each of the site's first days, so many times its own length; after these once a week.
DAILY_LENGTHS = 4


def candidates(rule: BaselineRule, begins: date, last: date) -> Iterator[tuple[date, date]]:
    """First and last day of the windows that may become a baseline, in the order in which they are tried.

    Args:
        rule: of the catalogue.
        begins: first production day of the site.
        last: last production day that is known.
    """
    first, daily_until = begins, begins + DAILY_LENGTHS * rule.days * DAY
    while (end := first + (rule.days - 1) * DAY) <= last:
        yield first, end
        first += DAY if first < daily_until else WEEK


def baseline_key(condition: Condition, rule: BaselineRule) -> str:
    """Name what a baseline measures: metric, scope, parameters and, where a catalogue has its own, the rule."""
    parameters = canonical_json(dict(condition.parameters)).decode() if condition.parameters else ""
    usual = rule == BaselineRule()
    by_rule = "" if usual else f"#{rule.days}d>={rule.min_completeness:g}"
    return f"{condition.metric}@{condition.scope}{parameters}{by_rule}"


@dataclass
class SiteArchive:
    """An archive over facts that are all in memory.

    Attributes:
        whole: facts from the site's first production day to the end of the period.
        frozen: baselines of earlier assessments, by `baseline_key`; they never move.
        found: baselines that this evaluation found first; whoever can keep them freezes them.
        rule: what the catalogue takes for a baseline.
    """

    whole: Facts | None
    frozen: Mapping[str, Baseline] = field(default_factory=dict)
    found: dict[str, Baseline] = field(default_factory=dict)
    rule: BaselineRule = field(default_factory=BaselineRule)
    _searched: set[str] = field(default_factory=set)
    _windows: dict[tuple[date, date], Facts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.whole = self.whole.by_day() if self.whole else None

    @property
    def begins(self) -> date | None:
        """First production day of the site."""
        return self.whole.first if self.whole else None

    def facts(self, first: date, last: date) -> Facts | None:
        """Facts of these production days, null where the window begins after all or ends before the first."""
        if self.whole is None or first > self.whole.last or last < self.whole.first:
            return None
        if (first, last) not in self._windows:
            if len(self._windows) >= MOST_WINDOWS:  # a search over years must not hold them all
                del self._windows[next(iter(self._windows))]
            self._windows[first, last] = self.whole.window(first, last)
        return self._windows[first, last]

    def baseline(self, condition: Condition, days: int) -> Baseline | None:
        """The frozen baseline, else the first of the rule's `candidates` in which the metric passes its gate."""
        del days
        key = baseline_key(condition, self.rule)
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
        for first, last in candidates(self.rule, self.whole.first, self.whole.last):
            facts = self.facts(first, last)
            measured = metric.measure(facts, condition.scope, condition.parameters) if facts else None
            if measured and self._is_good(measured):
                return Baseline(float(measured.value or 0.0), first, last)
        return None

    def _is_good(self, measured: Measured) -> bool:
        complete = 1.0 if measured.completeness is None else measured.completeness
        return measured.value is not None and complete >= self.rule.min_completeness
