"""Words of the report: one YAML file of texts per language, and names of metrics.

In: a language and what the assessment says. Out: text for people; numbers as the language writes them.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from kpi.catalogue import CATALOGUE
from maturity.framework import Text
from maturity.metrics import METRICS
from model import wording
from model.shipped import shipped_yaml

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")
NOTHING = wording.NOTHING
_SPACE = "\N{NO-BREAK SPACE}"
_OPERATORS = {">=": "≥", "<=": "≤"}
_DECIMALS = 3
_LEAST_THREE = 0.1
_HOUR_S = 7200  # from here on seconds are read as hours


@dataclass(frozen=True)
class Words:
    """Texts and numbers of one language; calling it fills the places of a text."""

    language: Language
    entries: dict[str, str]

    def __call__(self, key: str, /, **places: object) -> str:
        text = self.entries[key]
        return text.format(**places) if places else text

    def of(self, text: Text) -> str:
        """A text of a catalogue."""
        return text.vi if self.language == "vi" else text.en

    def day(self, value: date) -> str:
        """A date."""
        return wording.day(value, self.language)

    def days(self, first: date, last: date) -> str:
        """First and last day."""
        return f"{self.day(first)} – {self.day(last)}"

    def number(self, value: float, decimals: int | None = None) -> str:
        """A number, whole where it is."""
        if decimals is None and value == round(value):
            decimals = 0
        if decimals is None and _LEAST_THREE <= abs(value) < 1:
            decimals = _DECIMALS  # three digits say enough of it
        return wording.number(value, self.language, decimals)

    def percent(self, value: float | None) -> str:
        """A fraction as per cent."""
        return wording.percent(value, self.language)

    def metric(self, name: str) -> str:
        """What a metric measures; its bare name where an older version of the product had it and this one does not."""
        if kpi := CATALOGUE.get(name.removeprefix("kpi.")) if name.startswith("kpi.") else None:
            return kpi.name_vi if self.language == "vi" else kpi.name_en
        said = _metrics().get(name)
        return str(said[self.language]) if said else METRICS[name].explanation if name in METRICS else name

    def value(self, metric: str, unit: str, value: float | None) -> str:
        """A value of a metric with its unit; null as a dash."""
        if value is None:
            return NOTHING
        if unit == "s" and abs(value) >= _HOUR_S:
            value, unit = value / 3600, "h"
        if unit != "1":
            return f"{self.number(value)}{_SPACE}{self.unit(unit)}"
        if self._form(metric) == "count":
            return self.number(value)
        if self._form(metric) == "ratio":
            return self.number(value, 2)
        # A share that is as good as whole must not look whole.
        return wording.share(value, self.language, _DECIMALS if abs(value) < 1 <= round(abs(value), _DECIMALS) else 1)

    def unit(self, unit: str) -> str:
        """A unit as it is read."""
        own = self.entries.get(f"unit.{unit}")
        return own or wording.unit_text(unit, self.language)

    def threshold(self, metric: str, unit: str, operator: str, value: float | None) -> str:
        """What a value is compared with."""
        if value is None:
            return NOTHING
        is_whole_share = unit == "1" and not self._form(metric) and round(value * 100, 6).is_integer()
        said = wording.share(value, self.language, 0) if is_whole_share else self.value(metric, unit, value)
        return f"{_OPERATORS.get(operator, operator)}{_SPACE}{said}"

    def abbreviations(self) -> list[tuple[str, str]]:
        """What abbreviations stand for."""
        return [(short, str(said[self.language])) for short, said in _abbreviations().items()]

    @staticmethod
    def _form(metric: str) -> str:
        """How a number without a unit is written: empty = as per cent."""
        return _metrics().get(metric, {}).get("form", "")


@cache
def load(language: Language) -> Words:
    """Read the texts of a language, once."""
    return Words(language, {str(key): str(value) for key, value in _yaml(language).items()})


@cache
def _metrics() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = _yaml("metrics")
    return found


@cache
def _abbreviations() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = _yaml("abbreviations")
    return found


def _yaml(name: str) -> Any:
    return shipped_yaml((files("maturity.report") / "texts" / f"{name}.yaml").read_text("utf-8"))
