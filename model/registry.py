"""The registry in force for one site, as plain frozen data: what the KPI computation is given, and what a
config_snapshot keeps. Keys only, no database ids; times in µs UTC, local dates and wall times as texts.
"""

import msgspec


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the ISA-95 hierarchy; key '' is the site itself, parent null only there."""

    key: str
    level: str
    parent: str | None = None
    name: str = ""
    kind: str = ""
    critical: bool = False
    assume_order: bool = True
    micro_stop_limit_us: int = 300_000_000
    max_silence_us: int | None = None
    state_model: str = "packml"
    roll_up: str = "sum"  # sum | constraint | last | parallel: how units below become this asset's time and counts
    constraint_key: str | None = None
    last_key: str | None = None  # with `last`: the unit whose counts are this asset's


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """A stream of readings of one asset under the name its messages use."""

    asset: str
    name: str
    quantity: str
    kind: str
    unit: str = ""
    qualifier: str = ""
    expected_period_us: int | None = None
    max_gap_us: int | None = None
    counter_rule: str = "reset"
    counter_modulus: float | None = None
    max_rate_per_s: float | None = None
    interval_us: int | None = None
    interval_label: str | None = None
    flat_limit_us: int | None = None  # the same value for longer while the unit produces: a flat line
    valid_low: float | None = None  # values outside cannot be
    valid_high: float | None = None


class StateRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a state of an asset (or of all, asset null) means; with a mode only in that mode, state `*` = any."""

    state: str
    time_class: str
    mode: str = ""
    asset: str | None = None
    sub_class: str = ""
    needs_parts: bool = False
    reason: str = ""


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """Planned run time: `ideal_cycle_us` for `pieces_per_cycle` pieces; null asset or product = any, tool '' = any."""

    ideal_cycle_us: int
    pieces_per_cycle: int = 1
    asset: str | None = None
    product: str | None = None
    tool: str = ""
    valid_from_us: int = 0
    valid_to_us: int | None = None


class ShiftRule(msgspec.Struct, frozen=True, kw_only=True):
    """A shift on one day of a repeating cycle; an end not after its start is on the next day."""

    shift: str
    cycle_day: int
    start: str  # HH:MM[:SS] local
    end: str
    asset: str | None = None
    anchor_date: str = "1970-01-05"
    cycle_days: int = 7
    valid_from: str = "1970-01-01"
    valid_to: str | None = None


class CalendarException(msgspec.Struct, frozen=True, kw_only=True):
    """A date on which shifts are not worked (closed) or one is worked with these times (open)."""

    date: str
    kind: str
    asset: str | None = None
    shift: str = ""
    start: str | None = None
    end: str | None = None


class PlannedStop(msgspec.Struct, frozen=True, kw_only=True):
    """A planned stop: once (from_us, to_us), or in each shift of the key (null = all) between two wall times."""

    key: str
    asset: str | None = None
    reason: str = ""
    from_us: int | None = None
    to_us: int | None = None
    shift: str | None = None
    start: str | None = None
    end: str | None = None
    valid_from: str = "1970-01-01"
    valid_to: str | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """An order in work on an asset."""

    asset: str
    key: str
    from_us: int
    to_us: int | None = None
    product: str | None = None


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A reason of the site's tree and what it makes of a stop."""

    key: str
    time_class: str | None = None
    sub_class: str = ""
    loss_category: str | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product; its mass where it is known."""

    key: str
    mass_kg: float | None = None
    name: str = ""
    unit: str = "piece"


class EmissionFactor(msgspec.Struct, frozen=True, kw_only=True):
    """kg CO2e per kWh of electricity of a zone, local dates half-open; basis location (grid average) or residual."""

    zone: str
    valid_from: str
    valid_to: str
    kg_per_kwh: float
    status: str
    source: str = ""
    basis: str = "location"


class FuelFactor(msgspec.Struct, frozen=True, kw_only=True):
    """kg of each gas per TJ on net calorific value (TJ/Gg), density in kg/l; null = each record states its own."""

    fuel: str
    co2_kg_per_tj: float
    ch4_kg_per_tj: float
    n2o_kg_per_tj: float
    ncv_tj_per_gg: float | None = None
    density_kg_per_l: float | None = None
    biogenic: bool = False
    source: str = ""


class EnergyContract(msgspec.Struct, frozen=True, kw_only=True):
    """Electricity covered by a contract or certificate: an amount in its period, or a share; local dates half-open."""

    key: str
    kind: str
    kg_per_kwh: float
    valid_from: str
    valid_to: str | None = None
    amount_kwh: float | None = None
    share: float | None = None
    criteria: tuple[str, ...] = ()
    source: str = ""


class BaselineDriver(msgspec.Struct, frozen=True, kw_only=True):
    """kWh per unit of a driver, and the range of it that the fit has seen."""

    driver: str
    slope: float
    driver_from: float
    driver_to: float


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """Consumption of a day or week (kWh) as a line over a driver, or over each of `drivers`, frozen; the newest version
    in force on a date counts.
    """

    asset: str
    kpi: str
    driver: str
    slope: float = 0.0
    intercept: float
    driver_from: float = 0.0
    driver_to: float = 0.0
    version: int
    valid_from: str
    digest: str
    r_squared: float | None = None
    grain: str = "day"
    drivers: tuple[BaselineDriver, ...] = ()

    @property
    def terms(self) -> tuple[BaselineDriver, ...]:
        """Its drivers, also where it has only one."""
        if self.drivers:
            return self.drivers
        span = {"driver_from": self.driver_from, "driver_to": self.driver_to}
        return (BaselineDriver(driver=self.driver, slope=self.slope, **span),)


class SpecLimit(msgspec.Struct, frozen=True, kw_only=True):
    """Specification limits of a characteristic; product null = any, one limit may be missing, not both. With a series
    they are of its readings, of which `subgroup_size` make a subgroup; without one of inspection records.
    """

    characteristic: str
    product: str | None = None
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    valid_from_us: int = 0
    valid_to_us: int | None = None
    asset: str | None = None
    series: str | None = None
    subgroup_size: int | None = None


class TariffPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """Wall-clock period of a tariff, half-open; weekdays 0 = Monday."""

    period: str
    weekdays: tuple[int, ...]
    start: str
    end: str


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """A dated list of time-of-use periods with their prices per kWh, without VAT; no price or rate = not known."""

    key: str
    valid_from: str
    periods: tuple[TariffPeriod, ...]
    valid_to: str | None = None
    prices: dict[str, float] = {}
    currency: str = "VND"
    vat_rate: float | None = None
    source: str = ""
    origin: str = "default"
    voltage_kv: float | None = None
    subscribed_kw: float | None = None
    demand_price: float | None = None  # per kW of the highest demand of a month, without VAT; null = there is none


class AssetRelation(msgspec.Struct, frozen=True, kw_only=True):
    """`meters`: a share of what from_asset measures is to_asset's energy; `submeter_of`: a share of it is measured by
    to_asset as well.
    """

    from_asset: str
    to_asset: str
    kind: str
    share: float = 1.0


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A site and everything of its registry that enters a KPI."""

    key: str
    timezone: str
    day_start: str = "00:00"
    country: str = "VN"
    grid_zone: str | None = None
    factor_set: str | None = None
    gwp_set: str = "AR5"
    fuel_set: str | None = None
    demand_interval_us: int = 1_800_000_000
    lateness_us: int = 86_400_000_000
    confidence_gate: float = 0.95  # below this coverage or completeness a value is of low confidence
    holidays: tuple[str, ...] = ()  # local dates on which no shift is worked, unless an exception opens one
    assets: tuple[Asset, ...] = ()
    series: tuple[Series, ...] = ()
    state_rules: tuple[StateRule, ...] = ()
    routings: tuple[Routing, ...] = ()
    shifts: tuple[ShiftRule, ...] = ()
    exceptions: tuple[CalendarException, ...] = ()
    planned_stops: tuple[PlannedStop, ...] = ()
    jobs: tuple[Job, ...] = ()
    reasons: tuple[Reason, ...] = ()
    emission_factors: tuple[EmissionFactor, ...] = ()
    fuel_factors: tuple[FuelFactor, ...] = ()
    products: tuple[Product, ...] = ()
    energy_contracts: tuple[EnergyContract, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    tariffs: tuple[Tariff, ...] = ()
    spec_limits: tuple[SpecLimit, ...] = ()
    relations: tuple[AssetRelation, ...] = ()
