"""One entry of the KPI catalogue: what it is called, what it means, and its expression over base sums."""

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from model.vocabulary import Grain


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


class Aggregation(StrEnum):
    """How windows and scopes are put together."""

    SUM = "sum"
    MAX = "max"
    INTERVAL_SERIES = "interval_series"
    PRODUCT = "product_of_stations"  # windows and machines side by side are summed, stations multiplied


class Basis(StrEnum):
    """What a scope must have for the KPI to make sense there; decides coverage, completeness and flags too."""

    TIME = "time"
    COUNT = "count"
    PERFORMANCE = "performance"  # time and counts with ideal cycles
    MAINTENANCE = "maintenance"
    ENERGY = "energy"
    ENERGY_TIME = "energy_time"  # energy whose time class is known
    SUBMETER = "submeter"  # a main meter and meters below it
    REACTIVE = "reactive"  # active and reactive energy
    COST = "cost"  # energy and a tariff with prices
    BILL = "bill"  # cost, reactive energy and the subscribed power of the site's supply
    DEMAND = "demand"
    CAPACITY = "capacity"  # demand and a price per kW of it
    CARBON = "carbon"
    RECORD = "record"  # business records; without them the KPI has no row
    SAMPLE = "sample"  # measured values; the variant of a value is the name of its characteristic
    SCOPE1 = "scope1"  # records of fuels and refrigerants
    MARKET = "market"  # energy of the whole site beside its contracts
    CBAM = "cbam"  # mass of goods, and records of what went into them
    CBAM_ENERGY = "cbam_energy"  # mass of goods, and the electricity that went into them
    BASELINE = "baseline"  # a frozen baseline of the scope's energy


# When a KPI of ISO 22400-2 is wanted, by number: d on demand, p periodically, r in real time.
ISO_TIMING = {
    **dict.fromkeys((1, 2), "p"),
    **dict.fromkeys((3, 6, 7, 8, 11, 13, 23, 24, 31, 32, 33, 34), "d p"),
    **dict.fromkeys((5, 9, 10, 12, 14, 15, 16, 17, 18, 19, 20, 25, 26, 27, 28, 29, 30), "d p r"),
    **dict.fromkeys((21, 22), "d r"),
    4: "d",
}
TIMINGS = {"d": "on demand", "p": "periodically", "r": "in real time"}
ALL_GRAINS = frozenset(Grain)
COARSE = frozenset({Grain.SHIFT, Grain.DAY, Grain.WEEK, Grain.MONTH})
WITHOUT_HOUR = ALL_GRAINS - {Grain.HOUR}
OF_INTERVALS = COARSE | {Grain.HOUR}


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """A KPI: ratios as fractions, durations in seconds; `capped` is the numerator with each factor cut at 1."""

    id: str
    name_vi: str
    name_en: str
    explanation_vi: str
    explanation_en: str
    formula: str
    unit: str
    basis: Basis
    inputs: tuple[str, ...]
    numerator: pl.Expr
    denominator: pl.Expr | None = None
    capped: pl.Expr | None = None
    direction: Direction = Direction.NONE
    lower: float | None = 0.0
    upper: float | None = None
    aggregation: Aggregation = Aggregation.SUM
    iso_name: str | None = None
    iso_number: int | None = None
    source: str = "own"
    definition_version: int = 1
    grains: frozenset[Grain] = ALL_GRAINS
    per_piece: bool = False  # divides by good pieces: needs counts as well
    sparse: bool = False  # an hour in which it is zero is not stored
    record: str | None = None  # kind of business record that it needs
    loss: str = ""  # which of the six big losses it measures

    @property
    def timing(self) -> tuple[str, ...]:
        """When the standard wants it; a KPI of our own is computed with the others, so on demand and periodically."""
        return tuple(TIMINGS[letter] for letter in ISO_TIMING.get(self.iso_number or 0, "d p").split())

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the stored variants; '' is the value as defined. None where each characteristic is one."""
        if self.basis is Basis.SAMPLE:
            return ()
        return ("",) if self.capped is None else ("", "capped")
