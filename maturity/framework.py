"""A maturity framework as its catalogue file says it: levels, principles, areas, technology groups, criteria.

In: YAML of `maturity/catalogues/` or of a third party. Out: validated models; what the parts mean together is checked
by `maturity.lint`. Every part carries where it comes from: stated or read from a figure of the source, inferred,
unverified, or this project's own.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Strict, StringConstraints, Tag, model_validator

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,60}$")]
CriterionId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,15}-[0-9]+(\.[0-9]+)*$")]
MetricName = Annotated[str, StringConstraints(pattern=r"^(kpi|data|record|declared)\.[a-z][a-z0-9_]{0,60}$")]
Group = Annotated[str, StringConstraints(pattern=r"^T[0-9]{1,2}$")]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Whole = Annotated[int, Strict()]  # strict: `true` is no number, and "30" none either
Real = Annotated[float, Strict()]
Version = Annotated[Whole, Field(ge=1, le=1_000_000)]
MOST_CRITERIA = 1000


class Part(BaseModel):
    """Base of all parts: nothing unknown is accepted, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Text(Part):
    """The same in Vietnamese and English, in our own words."""

    vi: Sentence
    en: Sentence


class Basis(StrEnum):
    """Where a part comes from."""

    STATED = "stated"
    FIGURE = "figure"  # read from the flattened text of a figure
    INFERRED = "inferred"
    UNVERIFIED = "unverified"
    PROJECT = "project"  # this project's own


class Evidence(StrEnum):
    """How telemetry speaks to a criterion."""

    DIRECT = "direct"
    PROXY = "proxy"  # human practice, seen through its data trace
    JOINED = "joined"  # needs the records of another system


class Operator(StrEnum):
    """Comparisons."""

    AT_LEAST = ">="
    AT_MOST = "<="
    ABOVE = ">"
    BELOW = "<"

    def holds(self, value: float, threshold: float) -> bool:
        """Whether the value passes the threshold."""
        match self:
            case Operator.AT_LEAST:
                return value >= threshold
            case Operator.AT_MOST:
                return value <= threshold
            case Operator.ABOVE:
                return value > threshold
            case Operator.BELOW:
                return value < threshold


class Sourced(Part):
    """Something that a source says, or that we do."""

    basis: Basis
    source_ref: Sentence | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _names_its_source(self) -> Self:
        if self.basis in (Basis.STATED, Basis.FIGURE) and self.source_ref is None:
            raise ValueError(f"what is {self.basis} names its source_ref")
        return self


class Level(Sourced):
    """A level; each builds on those below it."""

    level: Annotated[Whole, Field(ge=0, le=10)]
    key: Key
    name: Text
    definition: Text | None = None
    definition_basis: Basis | None = None
    crosswalk: dict[Key, Sentence] = {}  # what other frameworks have beside it: for display only


class LevelName(Sourced):
    """What a level is called within one principle, where that differs from the framework's own name of it."""

    level: Annotated[Whole, Field(ge=0, le=10)]
    name: Text


class Principle(Sourced):
    """What the framework calls a principle, pillar or building block."""

    key: Key
    name: Text
    level_names: tuple[LevelName, ...] = ()


class Area(Sourced):
    """A capability area or dimension of a principle."""

    key: Key
    principle: Key
    name: Text


class TechnologyGroup(Sourced):
    """A group of technology that criteria presuppose."""

    key: Group
    name: Text
    content: Text
    purchase: bool = True  # false = nothing is to be bought for it, such as paper and boards


class Technology(Part):
    """What a criterion presupposes: every group of `all_of`, and one of `any_of`."""

    all_of: tuple[Group, ...] = ()
    any_of: tuple[Group, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """Every group that it names."""
        return (*self.all_of, *self.any_of)

    def is_met(self, groups: frozenset[str]) -> bool:
        """Whether these groups are enough."""
        return set(self.all_of) <= groups and (not self.any_of or bool(groups & set(self.any_of)))


class Compare(Part):
    """Threshold: a value, or the baseline times a factor or plus a difference."""

    operator: Operator
    value: Real | None = None
    baseline_factor: Annotated[Real, Field(gt=0)] | None = None
    baseline_plus: Real | None = None

    @model_validator(mode="after")
    def _has_one_threshold(self) -> Self:
        given = [each is not None for each in (self.value, self.baseline_factor, self.baseline_plus)]
        if sum(given) != 1:
            raise ValueError("name one of value, baseline_factor and baseline_plus")
        return self

    @property
    def needs_baseline(self) -> bool:
        """Whether it compares with the baseline."""
        return self.value is None

    def threshold(self, baseline: float | None) -> float | None:
        """The number to pass; null when there is no baseline yet."""
        if self.value is not None:
            return self.value
        if baseline is None:
            return None
        return (
            baseline * self.baseline_factor
            if self.baseline_factor is not None
            else baseline + (self.baseline_plus or 0)
        )


class Condition(Part):
    """One comparison of one metric."""

    metric: MetricName
    parameters: dict[Key, float | int | str | bool | list[str]] = {}
    scope: Key = "machines"
    compare: Compare


class AnyOf(Part):
    """Alternatives: one that holds is enough."""

    any_of: Annotated[tuple[Condition, ...], Field(min_length=2)]


def _is_alternatives(given: Any) -> str:
    found = "any_of" in given if isinstance(given, dict) else isinstance(given, AnyOf)
    return "alternatives" if found else "condition"


ConditionOrAlternatives = Annotated[
    Annotated[Condition, Tag("condition")] | Annotated[AnyOf, Tag("alternatives")], Discriminator(_is_alternatives)
]


class Window(Part):
    """How long is looked at, and in how many windows one after the other the condition must hold."""

    days: Annotated[Whole, Field(ge=1, le=366)] = 30
    consecutive: Annotated[Whole, Field(ge=1, le=12)] = 1


class BaselineRule(Part):
    """What improvements are compared with: the first window of so many days whose data are complete enough, frozen."""

    days: Annotated[Whole, Field(ge=1, le=366)] = 30
    min_completeness: Annotated[Real, Field(ge=0, le=1)] = 0.95


class DataGate(Part):
    """Below it a criterion is not assessable, never failed."""

    min_completeness: Annotated[Real, Field(ge=0, le=1)] = 0.95


class Criterion(Sourced):
    """What must be seen for one level of one capability area."""

    id: CriterionId
    version: Version = 1
    area: Key
    level: Annotated[Whole, Field(ge=0, le=10)]
    text: Text
    conditions: Annotated[tuple[ConditionOrAlternatives, ...], Field(min_length=1)]
    window: Window = Window()
    data_gate: DataGate = DataGate()
    technology: Technology = Technology()
    evidence: Evidence
    requires: tuple[Key, ...] = ()
    prerequisites: tuple[CriterionId, ...] = ()
    mandatory: bool = True
    threshold_origin: Literal["project_default", "source"] = "project_default"
    crosswalk: dict[Key, str | int] = {}

    @cached_property
    def every_condition(self) -> tuple[Condition, ...]:
        """All comparisons, alternatives too."""
        return tuple(_flat(self.conditions))


def _flat(conditions: tuple[Condition | AnyOf, ...]) -> Iterator[Condition]:
    for each in conditions:
        if isinstance(each, AnyOf):
            yield from each.any_of
        else:
            yield each


class Framework(Sourced):
    """A whole catalogue."""

    key: Key
    version: Version
    name: Text
    publisher: Sentence
    status: Literal["current", "historic", "draft"]
    disclaimer: Text
    sources: dict[str, Sentence]
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    principles: Annotated[tuple[Principle, ...], Field(min_length=1)]
    areas: Annotated[tuple[Area, ...], Field(min_length=1)]
    technology_groups: tuple[TechnologyGroup, ...] = ()
    baseline: BaselineRule = BaselineRule()
    criteria: Annotated[tuple[Criterion, ...], Field(max_length=MOST_CRITERIA)]

    def criteria_of(self, area: str, level: int | None = None) -> list[Criterion]:
        """Criteria of an area, at one level or at all, in order of level."""
        found = [each for each in self.criteria if each.area == area and level in (None, each.level)]
        return sorted(found, key=lambda each: (each.level, each.id))

    def level_name(self, key: str, level: int) -> tuple[Text, Basis] | None:
        """Name of a level in a principle or area, with its basis; null for a level that the framework does not have."""
        principle = next((each.principle for each in self.areas if each.key == key), key)
        named: list[LevelName | Level] = [
            name for each in self.principles if each.key == principle for name in each.level_names
        ]
        found = next((each for each in (*named, *self.levels) if each.level == level), None)
        return (found.name, found.basis) if found else None

    def plain(self) -> dict[str, Any]:
        """The catalogue as plain data, for digests and packages."""
        return self.model_dump(mode="json", exclude_defaults=True)
