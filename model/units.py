"""Units: which quantity and unit a name means, and how a unit becomes the quantity's own.

In: names and unit texts as devices write them. Out: quantity, unit, and a linear conversion worked out once (with pint,
loaded only when a unit is met that is not the quantity's own).
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from model.vocabulary import QUANTITIES

if TYPE_CHECKING:
    from pint import UnitRegistry

    Registry = UnitRegistry[Any]

_REMEMBERED = 10_000  # names and units; devices choose them, so the memory is bounded

# Suffix of a native name -> quantity, unit. The longest suffix that fits wins.
SUFFIXES: dict[str, tuple[str, str]] = {
    "energy_kwh": ("active_energy", "kWh"),
    "energy_wh": ("active_energy", "Wh"),
    "energy_mwh": ("active_energy", "MWh"),
    "energy_mj": ("active_energy", "MJ"),
    "kwh": ("active_energy", "kWh"),
    "mwh": ("active_energy", "MWh"),
    "wh": ("active_energy", "Wh"),
    "kvarh": ("reactive_energy", "kvarh"),
    "varh": ("reactive_energy", "varh"),
    "power_kw": ("active_power", "kW"),
    "power_w": ("active_power", "W"),
    "power_mw": ("active_power", "MW"),
    "kw": ("active_power", "kW"),
    "kvar": ("reactive_power", "kvar"),
    "power_factor": ("power_factor", "1"),
    "power_factor_pct": ("power_factor", "%"),
    "voltage_v": ("voltage", "V"),
    "voltage_kv": ("voltage", "kV"),
    "current_a": ("current", "A"),
    "current_ma": ("current", "mA"),
    "kg": ("mass", "kg"),
    "mass_g": ("mass", "g"),
    "weight_g": ("mass", "g"),
    "mass_t": ("mass", "t"),
    "co2e_kg": ("co2e_mass", "kg"),
    "co2e_t": ("co2e_mass", "t"),
    "m3": ("volume", "m3"),
    "volume_l": ("volume", "l"),
    "m3_h": ("flow", "m3/h"),
    "l_min": ("flow", "l/min"),
    "l_s": ("flow", "l/s"),
    "temperature_c": ("temperature", "°C"),
    "temperature_f": ("temperature", "°F"),
    "temperature_k": ("temperature", "K"),
    "temp_c": ("temperature", "°C"),
    "temp_f": ("temperature", "°F"),
    "pressure_bar": ("pressure", "bar"),
    "bar": ("pressure", "bar"),
    "kpa": ("pressure", "kPa"),
    "mpa": ("pressure", "MPa"),
    "psi": ("pressure", "psi"),
    "rpm": ("speed", "1/min"),
    "mm_s": ("feed", "mm/s"),
    "mm_min": ("feed", "mm/min"),
    "mm": ("position", "mm"),
    "um": ("position", "µm"),
    "deg": ("angle", "°"),
    "pct": ("ratio", "%"),
    "ratio": ("ratio", "1"),
    "run_time_s": ("run_time", "s"),
    "run_time_h": ("run_time", "h"),
    "auto_time_s": ("run_time", "s"),
    "cut_time_s": ("run_time", "s"),
    "operating_time_s": ("run_time", "s"),
    "operating_time_h": ("run_time", "h"),
    "good_count": ("good_count", "piece"),
    "total_count": ("total_count", "piece"),
    "part_count": ("total_count", "piece"),
    "reject_count": ("reject_count", "piece"),
    "scrap_count": ("reject_count", "piece"),
    "cycle_count": ("cycle_count", "cycle"),
    "shot_count": ("cycle_count", "cycle"),
}

TEXT_QUANTITIES = ("state", "mode", "availability", "program")

_OWN = {"": "", "1": "dimensionless", "piece": "piece", "cycle": "cycle", "°C": "degC", "m³": "m**3", "m³/h": "m**3/h"}
_REPLACED = str.maketrans({"³": "**3", "²": "**2", "µ": "u", "μ": "u", "·": "*"})
# How gateways write units that pint would not know or would take for something else (pcs = parsec).
_SPELLINGS = {
    **dict.fromkeys(("pcs", "pc", "pce", "ea", "parts", "pieces", "cái"), "piece"),
    **dict.fromkeys(("cycles", "shots", "shot"), "cycle"),
    **dict.fromkeys(("°c", "degc", "c", "celsius", "℃"), "degC"),
    **dict.fromkeys(("°f", "degf", "f", "fahrenheit"), "degF"),
    **dict.fromkeys(("kvarh", "kvar.h"), "kvar*h"),
    **dict.fromkeys(("varh", "var.h"), "var*h"),
    **dict.fromkeys(("m3", "cbm"), "m**3"),
    **dict.fromkeys(("m3/h", "cbm/h", "m3h"), "m**3/h"),
    **dict.fromkeys(("1", "-", "none"), "dimensionless"),
    **dict.fromkeys(("%", "pct", "percent"), "percent"),
    **dict.fromkeys(("rpm", "1/min", "min-1", "u/min", "rev/min"), "1/min"),
    **dict.fromkeys(("kwh", "kw.h", "kw*h"), "kW*h"),
    **dict.fromkeys(("wh",), "W*h"),
    **dict.fromkeys(("kw",), "kW"),
    **dict.fromkeys(("°", "deg"), "plane_degree"),
    **dict.fromkeys(("rad",), "plane_radian"),
    **dict.fromkeys(("kva",), "kilovolt_ampere_apparent"),
    **dict.fromkeys(("t", "ton", "tonne"), "metric_ton"),
}
_WELL_FORMED = re.compile(r"[A-Za-z0-9µμ°℃%³²·*/.^ áàăâ-]{1,32}")
# pint works out whatever is written, and devices write units: 9**9**9 or "m cubed cubed cubed" would never end. So
# units are names with a power of one digit, joined by * / . - or a blank, and 1/ before them.
_NAME = r"[A-Za-z°℃%áàăâ][A-Za-z0-9°℃%áàăâ]*"
_FACTOR = rf"{_NAME}(?: ?(?:\*\*|\^) ?-?[0-9](?![A-Za-z0-9.]))?"
_EXPRESSION = re.compile(rf"(?:1 ?/ ?)?{_FACTOR}(?:(?: ?[*/.] ?| |-){_FACTOR})*")
_POWER_WORD = re.compile(r"squared?|cubed|cubic|sq", re.IGNORECASE)


class UnitError(ValueError):
    """A unit is not known, or does not fit the quantity; the text says which."""


class UnknownUnitError(UnitError):
    """Nobody knows this unit."""


class DimensionError(UnitError):
    """The unit measures something else."""


@dataclass(frozen=True)
class Conversion:
    """stored = received × scale + offset."""

    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Guess:
    """What a name says about its values: listed quantity, unit received, what the quantity is of."""

    quantity: str
    unit: str
    qualifier: str = ""


IDENTITY = Conversion()


@lru_cache(_REMEMBERED)
def guess(name: str) -> Guess:
    """Read quantity and unit from a native name; a name without listed suffix is a plain `number`."""
    lower = name.lower()
    if lower in TEXT_QUANTITIES:
        return Guess(lower, "")
    lower = lower.rpartition(".")[2]  # of a name in groups, such as drive.motor.temperature_c, the last part says it
    for prefix in ("reject_count_", "scrap_count_"):
        if lower.startswith(prefix):
            return Guess("reject_count", "piece", lower.removeprefix(prefix))
    parts = lower.split("_")
    for start in range(len(parts)):
        found = SUFFIXES.get("_".join(parts[start:]))
        if found:
            return Guess(*found)
    return Guess("number", "")


@lru_cache(_REMEMBERED)
def conversion(unit: str, quantity: str, stored_unit: str) -> Conversion:
    """Work out how values in `unit` become values of a series of `quantity` stored in `stored_unit`.

    Raises:
        UnknownUnitError: nobody knows the unit.
        DimensionError: the unit does not measure this quantity.
    """
    if unit in ("", stored_unit):
        return IDENTITY
    if not stored_unit:
        raise DimensionError(f"unit {unit[:32]!r} was given, but {quantity} has no unit")
    have, want = _parse(unit, quantity), _parse(stored_unit, quantity)
    registry = _registry()
    if have.dimensionality != want.dimensionality:
        raise DimensionError(f"unit {unit!r} does not measure {quantity} (stored in {stored_unit})")
    # Exact fractions inside: 1 kPa is 0.01 bar and not a neighbour of it.
    zero, one = (registry.Quantity(Fraction(x), have).to(want).magnitude for x in (0, 1))
    return Conversion(float(one - zero), float(zero))


@lru_cache(_REMEMBERED)
def is_known(unit: str) -> bool:
    """Whether a unit text can be understood; no unit is fine too."""
    try:
        require_known(unit, "any quantity")
    except UnknownUnitError:
        return False
    return True


def require_known(unit: str, quantity: str) -> None:
    """Refuse a unit that cannot be understood.

    Raises:
        UnknownUnitError: it is such a one.
    """
    if unit:
        _parse(unit, quantity)


@lru_cache(_REMEMBERED)
def quantity_of_unit(unit: str) -> str:
    """The first listed quantity that is measured in units of this dimension, else `number`."""
    try:
        dimension = _parse(unit, "any quantity").dimensionality
    except UnitError:
        return "number"
    if not dimension:
        return "ratio"
    for quantity in QUANTITIES.values():
        if quantity.unit not in ("", "1") and _parse(quantity.unit, "").dimensionality == dimension:
            return quantity.name
    return "number"


def _parse(unit: str, quantity: str) -> Any:
    text = unit.strip()
    spelled = _OWN.get(text) or _SPELLINGS.get(text.lower() if text.lower() in _SPELLINGS else text)
    # m/M make a difference of nine zeros (mW, MW): only the spellings above are taken in any case.
    if spelled is None:
        if not _WELL_FORMED.fullmatch(text):
            raise UnknownUnitError(f"unit {unit[:32]!r} is not known for {quantity}")
        spelled = re.sub(r"\b([kcdm]?m)([23])\b", r"\1**\2", text.translate(_REPLACED))
        if not _EXPRESSION.fullmatch(spelled) or len(_POWER_WORD.findall(spelled)) > 1:
            raise UnknownUnitError(f"unit {unit[:32]!r} is not known for {quantity}")
    try:
        return _registry().Unit(spelled)
    except Exception as error:  # pint raises a dozen kinds for texts that are no unit
        raise UnknownUnitError(f"unit {unit!r} is not known for {quantity}") from error


@cache
def _registry() -> "Registry":
    import pint  # noqa: PLC0415 - takes a second to load, and most names need no conversion

    registry: Registry = pint.UnitRegistry(non_int_type=Fraction)
    # A dimension of its own, so that kW and kvar are not taken for each other.
    registry.define("volt_ampere_reactive = [reactive_power] = var")
    registry.define("piece = [piece]")
    registry.define("cycle = [machine_cycle]")
    registry.define("volt_ampere_apparent = [apparent_power]")
    # So is the angle: a load of 5 % is not an angle of 18 degrees.
    registry.define("plane_degree = [plane_angle]")
    registry.define("plane_radian = 180 / 3.14159265358979323846 * plane_degree")
    return registry
