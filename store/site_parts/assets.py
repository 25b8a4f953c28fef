"""The site file: machines with their series, reasons and states, products and what they need, orders and limits."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, field_validator, model_validator

from model.vocabulary import QUANTITIES, SeriesKind
from store.site_parts.base import ALWAYS, Key, Part

Delay = Literal["", "fault", "starved", "blocked", "micro_stop", "other"]


class SeriesPart(Part):
    name: str
    quantity: str
    kind: SeriesKind | None = None
    unit: str | None = None
    qualifier: str = ""
    expected_period_s: Annotated[float, Field(gt=0)] | None = None
    max_gap_s: Annotated[float, Field(gt=0)] | None = None
    counter_rule: Literal["reset", "rollover", "false_zero"] = "reset"
    counter_modulus: Annotated[float, Field(gt=0)] | None = None
    max_rate_per_s: Annotated[float, Field(gt=0)] | None = None
    flat_limit_s: Annotated[float, Field(gt=0)] | None = None
    valid_low: float | None = None
    valid_high: float | None = None
    spec_low: float | None = None  # specification limits of what it measures, of any product and at all times
    spec_high: float | None = None
    subgroup_size: Annotated[int, Field(ge=2, le=1000)] | None = None
    interval_s: Annotated[float, Field(gt=0)] | None = None
    interval_label: Literal["start", "end"] | None = None
    status: Literal["proposed", "active", "retired"] = "active"

    @field_validator("quantity")
    @classmethod
    def _listed(cls, value: str) -> str:
        if value not in QUANTITIES:
            raise ValueError(f"{value!r} is not a listed quantity; known: {', '.join(sorted(QUANTITIES))}")
        return value

    @model_validator(mode="after")
    def _complete(self) -> "SeriesPart":
        if self.kind is SeriesKind.DELTA and (self.interval_s is None or self.interval_label is None):
            raise ValueError("a delta series needs interval_s and interval_label (start or end)")
        if self.counter_rule == "rollover" and self.counter_modulus is None:
            raise ValueError("counter_rule rollover needs counter_modulus")
        if self.valid_low is not None and self.valid_high is not None and self.valid_low >= self.valid_high:
            raise ValueError("valid_low is not below valid_high")
        if self.spec_low is not None and self.spec_high is not None and self.spec_low >= self.spec_high:
            raise ValueError("spec_low is not below spec_high")
        return self


class AssetPart(Part):
    key: Key
    level: Literal["area", "line", "unit"]
    name: str = ""
    kind: str = ""
    critical: bool = False
    assume_order: bool = True
    micro_stop_limit_s: Annotated[float, Field(ge=0)] = 300
    max_silence_s: Annotated[float, Field(gt=0)] | None = None
    state_model: str = "packml"
    roll_up: Literal["sum", "constraint", "last", "parallel"] = "sum"
    constraint: Key | None = None
    last: Key | None = None
    valid_from: AwareDatetime = ALWAYS
    series: tuple[SeriesPart, ...] = ()


class ReasonPart(Part):
    key: Key
    parent: Key | None = None
    name_vi: str = ""
    name_en: str = ""
    time_class: Literal["production", "setup", "delay", "down_no_order", "planned_down"] | None = None
    sub_class: Delay = ""
    loss_category: str | None = None


class StatePart(Part):
    state: str
    mode: str = ""
    time_class: Literal["production", "setup", "delay", "down_no_order", "planned_down", "not_scheduled", "unknown"]
    asset: Key | None = None
    sub_class: Delay = ""
    needs_parts: bool = False
    reason: str = ""


class ProductPart(Part):
    key: Key
    name: str = ""
    unit: str = "piece"
    mass_kg: Annotated[float, Field(gt=0)] | None = None


class RoutingPart(Part):
    ideal_cycle_s: Annotated[float, Field(gt=0)]
    pieces_per_cycle: Annotated[int, Field(gt=0)] = 1
    asset: Key | None = None
    product: Key | None = None
    tool: str = ""
    source: str = ""
    valid_from: AwareDatetime = ALWAYS
    valid_to: AwareDatetime | None = None


class JobPart(Part):
    asset: Key
    key: Key
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime | None = None
    product: Key | None = None
    planned_quantity: Annotated[float, Field(ge=0)] | None = None


class SpecLimitPart(Part):
    """Limits of a measured characteristic, of one product or of all: of inspection records, or of a series."""

    characteristic: Annotated[str, Field(max_length=100)] = ""  # of a series: its name where nothing is said
    asset: Key | None = None
    series: str | None = None
    subgroup_size: Annotated[int, Field(ge=2, le=1000)] | None = None
    product: Key | None = None
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    valid_from: AwareDatetime = ALWAYS
    valid_to: AwareDatetime | None = None

    @model_validator(mode="after")
    def _possible(self) -> "SpecLimitPart":
        if self.lower is None and self.upper is None:
            raise ValueError("give lower, upper or both")
        if (self.asset is None) != (self.series is None):
            raise ValueError("give asset and series, or neither (then they are of inspection records)")
        if not self.characteristic and self.series is None:
            raise ValueError("give characteristic, or asset and series")
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise ValueError("lower is not below upper")
        return self


class TargetPart(Part):
    kpi: str
    value: float
    asset: Key | None = None
    source: str = ""
    valid_from: AwareDatetime = ALWAYS
