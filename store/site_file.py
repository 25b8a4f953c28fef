"""The site file: YAML written by an engineer -> validated rows of the registry. Durations end in their unit."""

from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from model.metering import METER_KIND, METERED, relation_problems
from model.registry import AssetRelation
from model.tariffs import UnknownTariffError
from model.vocabulary import QUANTITIES, SeriesKind
from store.csv_tables import expand_tables
from store.errors import InvalidConfigurationError
from store.holiday_dates import NO_HOLIDAYS, knows
from store.shipped_tariffs import listed_periods, listed_prices

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*$", max_length=200)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Delay = Literal["", "fault", "starved", "blocked", "micro_stop", "other"]
# Quality criteria of the GHG Protocol Scope 2 Guidance, table 7.1, that every instrument must meet.
Criterion = Literal["conveys_emission_rate", "claimed_once", "tracked_and_retired", "vintage", "same_market"]
_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Part(BaseModel):
    """A part of the file: no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteHead(Part):
    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    name: str
    timezone: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "VN"
    grid_zone: str | None = None
    factor_set: str | None = None
    gwp_set: Literal["AR4", "AR5", "AR6"] = "AR5"
    fuel_set: str = "ipcc-2006"
    day_start: time = time(0, 0)
    demand_interval_s: Annotated[int, Field(gt=0)] = 1800
    lateness_s: Annotated[int, Field(ge=0)] = 86_400
    confidence_gate: Annotated[float, Field(gt=0, le=1)] = 0.95
    holidays: str | tuple[date, ...] | None = None  # a country, `none` or dates; null: of Vietnam for a site there

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not an IANA time zone such as Asia/Ho_Chi_Minh") from error
        return value

    @field_validator("holidays")
    @classmethod
    def _known_holidays(cls, value: str | tuple[date, ...] | None) -> str | tuple[date, ...] | None:
        if isinstance(value, str) and value != NO_HOLIDAYS and not knows(value):
            raise ValueError(f"{value!r} is neither none, nor a list of dates, nor a country such as VN")
        return value


class QuotaPart(Part):
    """What the site may send; none set where it is silent."""

    series: Annotated[int, Field(gt=0, le=2_000_000_000)] | None = None
    values_per_s: Annotated[int, Field(gt=0, le=2_000_000_000)] | None = None


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


class ShiftPart(Part):
    shift: str
    start: time
    end: time
    days: tuple[Weekday, ...] | None = None
    cycle_day: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_kind_of_day(self) -> "ShiftPart":
        if (self.days is None) == (self.cycle_day is None):
            raise ValueError("give either days (mon..sun) or cycle_day (0..cycle_days - 1)")
        return self


class ExceptionPart(Part):
    date: date
    kind: Literal["closed", "open"]
    shift: str = ""
    start: time | None = None
    end: time | None = None
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> "ExceptionPart":
        if self.kind == "open" and (not self.shift or self.start is None or self.end is None):
            raise ValueError("an open exception needs shift, start and end")
        return self


class PlannedStopPart(Part):
    key: Key
    reason: str = ""
    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    to: AwareDatetime | None = None
    shift: str | None = None
    start: time | None = None
    end: time | None = None
    valid_from: date = date(1970, 1, 1)
    valid_to: date | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "PlannedStopPart":
        once = self.from_ is not None and self.to is not None
        repeated = self.start is not None and self.end is not None
        if once == repeated:
            raise ValueError("give either from and to (once) or start and end (in every shift)")
        return self


class CalendarPart(Part):
    asset: Key | None = None
    valid_from: date = date(1970, 1, 1)
    valid_to: date | None = None
    anchor_date: date = date(1970, 1, 5)
    cycle_days: Annotated[int, Field(gt=0, le=366)] = 7
    shifts: tuple[ShiftPart, ...] = ()
    exceptions: tuple[ExceptionPart, ...] = ()
    planned_stops: tuple[PlannedStopPart, ...] = ()


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


class FactorPart(Part):
    zone: str
    year: Annotated[int, Field(ge=1990, le=2100)]
    kg_per_kwh: Annotated[float, Field(ge=0)]
    status: Literal["official", "estimate", "own"]
    origin: Literal["stated", "inferred", "default"]
    source: str
    basis: Literal["location", "residual"] = "location"


class FuelFactorPart(Part):
    """A fuel: kg of each gas per TJ on net calorific value; without calorific value or density each record says it."""

    fuel: Key
    co2_kg_per_tj: Annotated[float, Field(ge=0)]
    ch4_kg_per_tj: Annotated[float, Field(ge=0)]
    n2o_kg_per_tj: Annotated[float, Field(ge=0)]
    ncv_tj_per_gg: Annotated[float, Field(gt=0)] | None = None
    density_kg_per_l: Annotated[float, Field(gt=0)] | None = None
    biogenic: bool = False
    source: str


class FactorSetPart(Part):
    key: Key
    version: Annotated[int, Field(gt=0)] = 1
    name: str
    source: str
    factors: tuple[FactorPart, ...] = ()
    fuels: tuple[FuelFactorPart, ...] = ()


class EnergyContractPart(Part):
    """Electricity of a contract or certificate: an amount in its period or a share of what is used, with its factor."""

    key: Key
    kind: Literal["power_purchase", "supplier_rate", "certificate"]
    kg_per_kwh: Annotated[float, Field(ge=0)]
    valid_from: date
    valid_to: date | None = None
    amount_kwh: Annotated[float, Field(gt=0)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    criteria: tuple[Criterion, ...]
    source: str

    @model_validator(mode="after")
    def _covers_one_way(self) -> "EnergyContractPart":
        if (self.amount_kwh is None) == (self.share is None):
            raise ValueError("give either amount_kwh (of its whole period) or share (of what is used)")
        if self.valid_to is None and self.amount_kwh is not None:
            raise ValueError("an amount needs valid_to: it is of a period")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to is not after valid_from")
        return self


class TariffPeriodPart(Part):
    period: str
    days: tuple[Weekday, ...]
    start: time
    end: time


class TariffPart(Part):
    """Hours and prices from a date on: shipped ones by name (`schedule`, `price_list`) or the site's own."""

    key: Key
    valid_from: date
    valid_to: date | None = None
    schedule: str | None = None
    price_list: str | None = None
    customer: str = "manufacturing"
    voltage_kv: Annotated[float, Field(gt=0)] | None = None
    subscribed_kw: Annotated[float, Field(gt=0)] | None = None
    demand_price: Annotated[float, Field(ge=0)] | None = None  # of a two-part tariff, per kW and month, without VAT
    currency: str = "VND"
    vat_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    source: str = ""
    origin: Literal["stated", "inferred", "default"] | None = None
    periods: tuple[TariffPeriodPart, ...] = ()
    prices: dict[str, Annotated[float, Field(ge=0)]] = {}

    @model_validator(mode="after")
    def _complete(self) -> "TariffPart":
        if self.periods and self.schedule:
            raise ValueError("give either schedule (a shipped one) or periods")
        if self.prices and self.price_list:
            raise ValueError("give either price_list (a shipped one) or prices")
        try:
            if not self.periods and not listed_periods(self):
                raise ValueError("give hours: periods, or the name of a shipped schedule or price_list")
            listed_prices(self)
        except UnknownTariffError as error:
            raise ValueError(str(error)) from error
        if self.demand_price is not None and (not self.source or self.origin is None):
            raise ValueError("no demand price is shipped: demand_price needs source and origin")
        if not self.price_list and (not self.source or self.origin is None):
            raise ValueError("prices and hours of your own need source and origin (stated, inferred or default)")
        return self


class RelationPart(Part):
    """What a meter measures, or which main meter measures it too; each for a share of its energy."""

    from_: Annotated[Key, Field(alias="from")]
    to: Key
    kind: Literal["meters", "submeter_of"]
    share: Annotated[float, Field(gt=0, le=1)] = 1
    valid_from: AwareDatetime = ALWAYS
    valid_to: AwareDatetime | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> "RelationPart":
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to is not after valid_from")
        return self


class SiteFile(Part):
    """A whole site file."""

    site: SiteHead
    quota: QuotaPart = QuotaPart()
    assets: tuple[AssetPart, ...]
    reasons: tuple[ReasonPart, ...] = ()
    state_map: tuple[StatePart, ...] = ()
    products: tuple[ProductPart, ...] = ()
    routings: tuple[RoutingPart, ...] = ()
    calendars: tuple[CalendarPart, ...] = ()
    jobs: tuple[JobPart, ...] = ()
    targets: tuple[TargetPart, ...] = ()
    spec_limits: tuple[SpecLimitPart, ...] = ()
    factor_sets: tuple[FactorSetPart, ...] = ()
    energy_contracts: tuple[EnergyContractPart, ...] = ()
    tariffs: tuple[TariffPart, ...] = ()
    relations: tuple[RelationPart, ...] = ()

    @model_validator(mode="after")
    def _references_exist(self) -> "SiteFile":
        problems = [*self._unknown_assets(), *self._unknown_products(), *self._unknown_reasons(), *self._impossible()]
        problems += [*self._shares_above_one(), *self._unknown_series()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _unknown_assets(self) -> list[str]:
        known = {asset.key for asset in self.assets}
        used = {
            **{asset.key.rsplit("/", 1)[0]: f"parent of {asset.key}" for asset in self.assets if "/" in asset.key},
            **{a.constraint: f"constraint of {a.key}" for a in self.assets if a.constraint},
            **{a.last: f"last of {a.key}" for a in self.assets if a.last},
            **{part.asset: "state_map" for part in self.state_map if part.asset},
            **{part.asset: "routings" for part in self.routings if part.asset},
            **{part.asset: "calendars" for part in self.calendars if part.asset},
            **{part.asset: f"job {part.key}" for part in self.jobs},
            **{key: "relations" for part in self.relations for key in (part.from_, part.to)},
            **{part.asset: f"target {part.kpi}" for part in self.targets if part.asset},
        }
        return [f"{where}: asset {key!r} is not in assets" for key, where in used.items() if key not in known]

    def _unknown_series(self) -> list[str]:
        known = {(asset.key, series.name) for asset in self.assets for series in asset.series}
        used = [(part.asset, part.series) for part in self.spec_limits if part.series is not None]
        return [
            f"spec_limits: series {name!r} is not in asset {asset!r}"
            for asset, name in used
            if (asset, name) not in known
        ]

    def _unknown_reasons(self) -> list[str]:
        parents = {part.key: part.parent for part in self.reasons}
        missing = [
            f"reason {key!r}: parent {up!r} is not in reasons"
            for key, up in parents.items()
            if up and up not in parents
        ]
        return missing or [f"reason {key!r} is its own ancestor" for key in parents if _in_ring(key, parents)]

    def _shares_above_one(self) -> list[str]:
        held = [part for part in self.energy_contracts if part.share is not None]
        sums = {
            start: sum(each.share or 0.0 for each in held if each.valid_from <= start < (each.valid_to or date.max))
            for start in sorted({part.valid_from for part in held})
        }
        return [
            f"energy_contracts: shares from {start} on add up to {share:g}"
            for start, share in sums.items()
            if share > 1 + 1e-9
        ]

    def _impossible(self) -> list[str]:
        """Say which relations between meters cannot be, at any of the instants from which one holds."""
        measures = {a.key for a in self.assets if any(each.quantity in METERED for each in a.series)}
        own = {a.key for a in self.assets if a.key in measures and a.kind != METER_KIND}
        parents = {a.key: a.key.rpartition("/")[0] or None for a in self.assets}
        problems: list[str] = []
        for at in sorted({part.valid_from for part in self.relations}):
            held = [
                AssetRelation(from_asset=part.from_, to_asset=part.to, kind=part.kind, share=part.share)
                for part in self.relations
                if part.valid_from <= at and (part.valid_to is None or at < part.valid_to)
            ]
            problems += [f"relations: {problem}" for problem in relation_problems(held, measures, own, parents)]
        return list(dict.fromkeys(problems))

    def _unknown_products(self) -> list[str]:
        known = {product.key for product in self.products}
        used = {part.product for part in self.routings if part.product}
        used |= {part.product for part in self.jobs if part.product}
        used |= {part.product for part in self.spec_limits if part.product}
        return [f"product {key!r} is used but not in products" for key in sorted(used - known)]


def read_site_file(path: Path, data: Path | None = None) -> SiteFile:
    """Read and check a site file; lists kept as CSV tables are read from the folder `data` (default: beside the file).

    Raises:
        InvalidConfigurationError: one line per mistake, with its place in the file.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
        return SiteFile.model_validate(expand_tables(document, data or path.parent))
    except OSError as error:
        raise InvalidConfigurationError(f"{error.filename}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise InvalidConfigurationError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        lines = [f"{path}: {_place(entry['loc'])}: {entry['msg']}" for entry in error.errors()]
        raise InvalidConfigurationError("\n".join(lines)) from error


def _in_ring(key: str, parents: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    up: str | None = key
    while up is not None and up not in seen:
        seen.add(up)
        up = parents.get(up)
    return up is not None


def weekday_number(day: Weekday) -> int:
    """0 = Monday."""
    return _WEEKDAYS.index(day)


def _place(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location) or "file"
