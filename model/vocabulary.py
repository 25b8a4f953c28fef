"""The listed words of the product: quality codes, time classes, quantities with their units, event kinds."""

import hashlib
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Quality(IntEnum):
    """Quality code of a reading."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2
    NO_SIGNAL = 3
    HISTORICAL = 4


class TimeClass(StrEnum):
    """Time classes in ISO 22400-2 terms; every microsecond of a work unit has exactly one."""

    PRODUCTION = "production"  # APT
    SETUP = "setup"  # AUST
    DELAY = "delay"  # ADET
    DOWN_NO_ORDER = "down_no_order"  # ADOT
    PLANNED_DOWN = "planned_down"  # POT - PBT
    NOT_SCHEDULED = "not_scheduled"  # outside POT
    UNKNOWN = "unknown"  # no signal: never a stop, never production


class SubClass(StrEnum):
    """What kind of delay it is."""

    NONE = ""
    FAULT = "fault"
    STARVED = "starved"
    BLOCKED = "blocked"
    MICRO_STOP = "micro_stop"
    OTHER = "other"


class Origin(StrEnum):
    """What a time class was read from."""

    SIGNAL = "signal"
    RECORD = "record"
    ANNOTATION = "annotation"
    CALENDAR = "calendar"
    NONE = "none"


class SeriesKind(StrEnum):
    """How the values of a series follow each other."""

    GAUGE = "gauge"
    COUNTER = "counter"
    DELTA = "delta"
    STATE = "state"


class EventKind(StrEnum):
    """Things that happen at an instant or last from..to, kept as events and not as readings."""

    PRODUCT_CHANGE = "product_change"
    JOB_CHANGE = "job_change"
    STOP_REASON = "stop_reason"
    ALARM = "alarm"
    PRODUCTION_RUN = "production_run"


class Grain(StrEnum):
    """Windows for which KPI values are kept."""

    HOUR = "hour"
    SHIFT = "shift"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    JOB = "job"
    PRODUCT = "product"


@dataclass(frozen=True)
class Quantity:
    """A listed quantity: name, unit of storage, usual kind.."""

    name: str
    unit: str
    kind: SeriesKind


_QUANTITIES = (
    Quantity("state", "", SeriesKind.STATE),
    Quantity("mode", "", SeriesKind.STATE),
    Quantity("availability", "", SeriesKind.STATE),
    Quantity("program", "", SeriesKind.STATE),
    Quantity("job", "", SeriesKind.STATE),
    Quantity("product", "", SeriesKind.STATE),
    Quantity("text", "", SeriesKind.STATE),
    Quantity("good_count", "piece", SeriesKind.COUNTER),
    Quantity("reject_count", "piece", SeriesKind.COUNTER),
    Quantity("total_count", "piece", SeriesKind.COUNTER),
    Quantity("cycle_count", "cycle", SeriesKind.COUNTER),
    Quantity("run_time", "s", SeriesKind.COUNTER),
    Quantity("active_energy", "kWh", SeriesKind.COUNTER),
    Quantity("reactive_energy", "kvarh", SeriesKind.COUNTER),
    Quantity("active_power", "kW", SeriesKind.GAUGE),
    Quantity("reactive_power", "kvar", SeriesKind.GAUGE),
    Quantity("power_factor", "1", SeriesKind.GAUGE),
    Quantity("voltage", "V", SeriesKind.GAUGE),
    Quantity("current", "A", SeriesKind.GAUGE),
    Quantity("mass", "kg", SeriesKind.GAUGE),
    Quantity("volume", "m³", SeriesKind.GAUGE),
    Quantity("flow", "m³/h", SeriesKind.GAUGE),
    Quantity("temperature", "°C", SeriesKind.GAUGE),
    Quantity("pressure", "bar", SeriesKind.GAUGE),
    Quantity("speed", "1/min", SeriesKind.GAUGE),
    Quantity("feed", "mm/s", SeriesKind.GAUGE),
    Quantity("position", "mm", SeriesKind.GAUGE),
    Quantity("angle", "°", SeriesKind.GAUGE),
    Quantity("ratio", "1", SeriesKind.GAUGE),
    Quantity("co2e_mass", "kg", SeriesKind.GAUGE),
    Quantity("number", "", SeriesKind.GAUGE),
)
QUANTITIES = {quantity.name: quantity for quantity in _QUANTITIES}

# Roles of API keys: what their holders may do.
KEY_ROLES = ("viewer", "engineer", "assessor", "programme", "admin")

_SYMBOL_BITS = 52


def symbol_id(text: str) -> int:
    """Number of a state text: the first 52 bits of its SHA-256, exact in a float64 and the same in every database."""
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _SYMBOL_BITS)
