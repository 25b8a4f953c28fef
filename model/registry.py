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
    roll_up: str = "sum"  # sum | constraint: how units below become this asset's time and counts
    constraint_key: str | None = None


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


class EmissionFactor(msgspec.Struct, frozen=True, kw_only=True):
    """kg CO2e per kWh of electricity of a zone, local dates half-open."""

    zone: str
    valid_from: str
    valid_to: str
    kg_per_kwh: float
    status: str
    source: str = ""


class TariffPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """Wall-clock period of a tariff, half-open; weekdays 0 = Monday."""

    period: str
    weekdays: tuple[int, ...]
    start: str
    end: str


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """A dated list of time-of-use periods."""

    key: str
    valid_from: str
    periods: tuple[TariffPeriod, ...]
    valid_to: str | None = None


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A site and everything of its registry that enters a KPI."""

    key: str
    timezone: str
    day_start: str = "00:00"
    country: str = "VN"
    grid_zone: str | None = None
    factor_set: str | None = None
    demand_interval_us: int = 1_800_000_000
    lateness_us: int = 86_400_000_000
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
    tariffs: tuple[Tariff, ...] = ()
