"""What a metric gives, and how a metric is declared under the name that catalogues use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from maturity.facts import Facts
from maturity.reasons import Reason

Parameters = Mapping[str, Any]
_SHARES = ("_share", "_recall", "_precision", "_availability", "_on_time", "_in_full", "_attainment", "completeness")


@dataclass(frozen=True)
class Measured:
    """A number over a window, or why there is none.

    Attributes:
        value: in the metric's unit; null when it cannot be told.
        completeness: of the data it rests on, 0 to 1; null where there is nothing that could be incomplete.
        assets: the machines or other assets that it speaks of.
        missing: why there is no value: what is lacking and how to provide it; null with a value.
        detail: numbers that explain the value (counts, minutes, worst machines).
        declared: whether somebody said it rather than data showing it.
    """

    value: float | None
    completeness: float | None = None
    assets: tuple[str, ...] = ()
    missing: Reason | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    declared: bool = False

    @classmethod
    def nothing(cls, missing: Reason, assets: tuple[str, ...] = ()) -> "Measured":
        """No value, for this reason."""
        return cls(None, missing=missing, assets=assets)


Measure = Callable[[Facts, str, Parameters], Measured]


@dataclass(frozen=True)
class Metric:
    """A metric that criteria may name.

    Attributes:
        name: as catalogues write it, e.g. `data.latency_p95`.
        unit: of the value; `1` for shares.
        explanation: one sentence that tells an assessor what the number is.
        measure: facts of a window, scope and parameters → Measured.
        parameters: names that a condition may set.
        requires: kinds of business records or uploads that it reads.
    """

    name: str
    unit: str
    explanation: str
    measure: Measure
    parameters: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()

    @property
    def is_share(self) -> bool:
        """Whether it is a part of a whole, which is never more than 1; counts and ratios have the unit `1` too."""
        return self.unit == "1" and self.name.endswith(_SHARES)


class Metrics(dict[str, Metric]):
    """Metrics by name; a function joins by `@metrics.add(...)`."""

    def add(
        self, name: str, unit: str, explanation: str, parameters: tuple[str, ...] = (), requires: tuple[str, ...] = ()
    ) -> Callable[[Measure], Measure]:
        """Declare the function below as a metric; a name may come once only."""

        def declare(measure: Measure) -> Measure:
            if name in self:
                raise ValueError(f"the metric {name} is declared twice")
            self[name] = Metric(name, unit, explanation, measure, parameters, requires)
            return measure

        return declare
