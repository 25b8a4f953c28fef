"""The demonstration plant on paper: site, lines, units, products, shifts.

Out: specs for the machines, and `describe()` for those who write its site file.
"""

from dataclasses import dataclass
from typing import Any

SITE = "demo-plant"
TIMEZONE = "Asia/Ho_Chi_Minh"

STATE_CLASSES: dict[str, tuple[str, str]] = {
    "EXECUTE": ("production", ""),
    "SETUP": ("setup", ""),
    "ABORTED": ("delay", "fault"),
    "SUSPENDED": ("delay", "starved"),
    "HELD": ("delay", "blocked"),
    "STOPPED": ("delay", "other"),
    "IDLE": ("delay", "other"),
    "STARTING": ("delay", "other"),
    "COMPLETING": ("delay", "other"),
}
"""Time class and sub-class of every state the plant reports, before calendar and micro-stop rule."""

MICRO_STOP_LIMIT_MS = 300_000


@dataclass(frozen=True)
class Product:
    """What is made: ideal cycle of one machine cycle and the pieces that come out of it."""

    key: str
    name: str
    ideal_cycle_ms: int
    pieces_per_cycle: int = 1

    @property
    def ideal_cycle_s(self) -> float:
        """Ideal time of one piece, in seconds."""
        return self.ideal_cycle_ms / self.pieces_per_cycle / 1000


@dataclass(frozen=True)
class StopKind:
    """A random stop: comes after an exponential running time, lasts between two bounds."""

    state: str
    reason: str
    mean_running_s: float
    shortest_s: float
    longest_s: float


@dataclass(frozen=True)
class UnitSpec:
    """One machine: its products, its random stops, its electric power."""

    key: str
    name: str
    products: tuple[Product, Product]
    stops: tuple[StopKind, ...]
    setup_s: tuple[float, float]
    reject_share: float
    power_w: dict[str, int]
    job_cycles: tuple[int, int] = (0, 0)
    metered: bool = False


@dataclass(frozen=True)
class LineSpec:
    """A line or cell: units in flow order if serial, one meter that sums its units and a base load."""

    area: str
    key: str
    name: str
    units: tuple[UnitSpec, ...]
    serial: bool
    breaks: bool
    job_prefix: str
    base_load_w: int
    meter: str = "main-meter"

    def path(self, unit: str) -> str:
        """Asset path of a unit or of the meter below the site."""
        return f"{self.area}/{self.key}/{unit}"


def _power(execute: int, idle: int, off: int) -> dict[str, int]:
    powers = dict.fromkeys(STATE_CLASSES, idle)
    return powers | {"EXECUTE": execute, "SETUP": idle + execute // 5, "STOPPED": off}


def _bottler(  # noqa: PLR0913, PLR0917 - one line of a table of machines
    key: str, name: str, water_ms: int, tea_ms: int, rejects: float, fault_h: float, power_w: int
) -> UnitSpec:
    return UnitSpec(
        key=key,
        name=name,
        products=(
            Product("water-500", "Spring water 0.5 l", water_ms),
            Product("tea-350", "Green tea 0.35 l", tea_ms),
        ),
        stops=(
            StopKind("ABORTED", "fault", fault_h * 3600, 240, 2400),
            StopKind("STOPPED", "", 1500, 15, 200),
            StopKind("STOPPED", "operator_absent", 5 * 3600, 330, 900),
        ),
        setup_s=(900, 1800),
        reject_share=rejects,
        power_w=_power(power_w, power_w // 4, power_w // 20),
    )


def _filler() -> UnitSpec:
    base = _bottler("filler", "Filler", 1000, 1300, 0.012, 4.5, 22_000)
    return UnitSpec(**{**vars(base), "setup_s": (1500, 2700), "job_cycles": (14_000, 30_000)})


def _moulder(key: str, name: str, cap_ms: int, cup_ms: int, power_w: int) -> UnitSpec:
    return UnitSpec(
        key=key,
        name=name,
        products=(
            Product("cap-28", "Bottle cap 28 mm", cap_ms, 8),
            Product("cup-200", "Cup 200 ml", cup_ms, 4),
        ),
        stops=(
            StopKind("ABORTED", "fault", 7 * 3600, 300, 3600),
            StopKind("SUSPENDED", "no_material", 9 * 3600, 330, 1200),
            StopKind("STOPPED", "", 2400, 20, 240),
            StopKind("STOPPED", "mould_cleaning", 6 * 3600, 400, 1500),
        ),
        setup_s=(2400, 4800),
        reject_share=0.022,
        power_w=_power(power_w, power_w // 3, power_w // 25),
        job_cycles=(2500, 5000),
        metered=True,
    )


LINES: tuple[LineSpec, ...] = (
    LineSpec(
        area="filling",
        key="bottling-1",
        name="Bottling line 1",
        units=(
            _filler(),
            _bottler("capper", "Capper", 920, 1200, 0.003, 9, 6_000),
            _bottler("labeller", "Labeller", 880, 1140, 0.006, 8, 8_000),
            _bottler("packer", "Packer", 840, 1080, 0.002, 10, 11_000),
        ),
        serial=True,
        breaks=True,
        job_prefix="BO",
        base_load_w=9_000,
    ),
    LineSpec(
        area="moulding",
        key="cell-1",
        name="Injection-moulding cell 1",
        units=(
            _moulder("imm-1", "Injection-moulding machine 1", 16_000, 20_000, 38_000),
            _moulder("imm-2", "Injection-moulding machine 2", 18_000, 22_000, 45_000),
        ),
        serial=False,
        breaks=False,
        job_prefix="MO",
        base_load_w=12_000,
    ),
)


def _describe_unit(line: LineSpec, unit: UnitSpec) -> dict[str, Any]:
    return {
        "path": line.path(unit.key),
        "key": unit.key,
        "name": unit.name,
        "signals": _unit_signals(unit),
        "ideal_cycles_s": {product.key: product.ideal_cycle_s for product in unit.products},
    }


def _unit_signals(unit: UnitSpec) -> list[str]:
    counters = ["state", "good_count", "reject_count", "product", "job", "stop_reason"]
    return counters + (["energy_kwh", "power_kw"] if unit.metered else [])


def _describe_line(line: LineSpec) -> dict[str, Any]:
    return {
        "area": line.area,
        "key": line.key,
        "name": line.name,
        "serial": line.serial,
        "units": [_describe_unit(line, unit) for unit in line.units],
        "meter": {
            "path": line.path(line.meter),
            "key": line.meter,
            "signals": ["energy_kwh", "power_kw"],
        },
        "products": [{"key": product.key, "name": product.name} for product in line.units[0].products],
        "breaks": [{"start": start, "minutes": 30} for start in ("10:00", "18:00", "02:00")] if line.breaks else [],
    }


def describe() -> dict[str, Any]:
    """Return the whole plant as plain values: lines, units, products, ideal cycles (s per piece), shifts, breaks."""
    return {
        "site": SITE,
        "timezone": TIMEZONE,
        "shifts": [
            {"key": "morning", "start": "06:00", "end": "14:00"},
            {"key": "afternoon", "start": "14:00", "end": "22:00"},
            {"key": "night", "start": "22:00", "end": "06:00"},
        ],
        "free": {"day": "sun", "shift": "night"},
        "micro_stop_limit_s": MICRO_STOP_LIMIT_MS // 1000,
        "state_classes": {state: list(names) for state, names in STATE_CLASSES.items()},
        "lines": [_describe_line(line) for line in LINES],
    }
