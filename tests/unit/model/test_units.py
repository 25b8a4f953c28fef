"""Units are converted exactly, and never into another dimension."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.units import (
    IDENTITY,
    SUFFIXES,
    DimensionError,
    Guess,
    UnitError,
    UnknownUnitError,
    conversion,
    guess,
    is_known,
    quantity_of_unit,
)
from model.vocabulary import QUANTITIES


def stored(unit: str, quantity: str) -> tuple[float, float]:
    found = conversion(unit, quantity, QUANTITIES[quantity].unit)
    return found.scale, found.offset


@pytest.mark.parametrize(
    ("unit", "quantity", "scale", "offset"),
    [
        ("kWh", "active_energy", 1.0, 0.0),
        ("MWh", "active_energy", 1000.0, 0.0),
        ("Wh", "active_energy", 0.001, 0.0),
        ("MJ", "active_energy", 1 / 3.6, 0.0),
        ("W", "active_power", 0.001, 0.0),
        ("MW", "active_power", 1000.0, 0.0),
        ("mW", "active_power", 1e-6, 0.0),
        ("kvar", "reactive_power", 1.0, 0.0),
        ("%", "power_factor", 0.01, 0.0),
        ("K", "temperature", 1.0, -273.15),
        ("kPa", "pressure", 0.01, 0.0),
        ("psi", "pressure", 0.0689475729316836, 0.0),
        ("Hz", "speed", 60.0, 0.0),
        ("mm/min", "feed", 1 / 60, 0.0),
        ("l/min", "flow", 0.06, 0.0),
        ("h", "run_time", 3600.0, 0.0),
        ("t", "mass", 1000.0, 0.0),
        ("pcs", "good_count", 1.0, 0.0),
        ("", "mass", 1.0, 0.0),
    ],
)
def test_known_units_convert_exactly(unit: str, quantity: str, scale: float, offset: float) -> None:
    got_scale, got_offset = stored(unit, quantity)
    assert got_scale == pytest.approx(scale, rel=1e-15)
    assert got_offset == pytest.approx(offset, rel=1e-15)


def test_water_boils_at_100_degrees_in_any_unit() -> None:
    for unit, boiling in (("°C", 100.0), ("°F", 212.0), ("K", 373.15)):
        scale, offset = stored(unit, "temperature")
        assert boiling * scale + offset == pytest.approx(100.0, abs=1e-9)


@pytest.mark.parametrize(
    ("unit", "quantity"),
    [("kW", "active_energy"), ("kvar", "active_power"), ("kWh", "reactive_energy"), ("%", "angle"), ("bar", "state")],
)
def test_another_dimension_is_refused(unit: str, quantity: str) -> None:
    with pytest.raises(DimensionError, match=quantity):
        stored(unit, quantity)


@pytest.mark.parametrize("unit", ["psi2", "furlongs per fortnight!", "__import__('os')", "x" * 80, "kWh/x"])
def test_an_unknown_unit_is_named(unit: str) -> None:
    with pytest.raises(UnknownUnitError, match="is not known for pressure"):
        stored(unit, "pressure")


def test_every_listed_suffix_fits_its_quantity() -> None:
    for quantity, unit in SUFFIXES.values():
        assert conversion(unit, quantity, QUANTITIES[quantity].unit).scale > 0


def test_every_listed_quantity_takes_its_own_unit() -> None:
    for quantity in QUANTITIES.values():
        assert conversion(quantity.unit, quantity.name, quantity.unit) is IDENTITY
        assert not quantity.unit or is_known(quantity.unit)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("power_kw", Guess("active_power", "kW")),
        ("Main_Power_kW", Guess("active_power", "kW")),
        ("energy_kwh", Guess("active_energy", "kWh")),
        ("oil_pressure_bar", Guess("pressure", "bar")),
        ("cooling_flow_m3_h", Guess("flow", "m3/h")),
        ("reject_count_scratch", Guess("reject_count", "piece", "scratch")),
        ("state", Guess("state", "")),
        ("vibration", Guess("number", "")),
    ],
)
def test_names_say_quantity_and_unit(name: str, expected: Guess) -> None:
    assert guess(name) == expected


def test_a_unit_alone_tells_the_quantity() -> None:
    assert [quantity_of_unit(unit) for unit in ("psi", "kvarh", "%", "nonsense")] == [
        *("pressure", "reactive_energy", "ratio", "number"),
    ]


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_units(text: str) -> None:
    if is_known(text):
        quantity_of_unit(text)
    else:
        with pytest.raises(UnitError, match="mass"):
            conversion(text, "mass", "t")


@pytest.mark.parametrize(
    "unit",
    [
        *("10**10**10**10", "9^9^9^9", "9 cubed cubed cubed cubed", "m cubed cubed cubed", "m**9e9", "m**99", "m²²²²²"),
        *(
            "9**--9**--9",
            "m**-9**9",
            "1e9**9",
            "sq sq sq sq m",
            "1/9**9**9",
            "m-9**9**9",
            "x" * 1_000_000,
            "*" * 1_000_000,
        ),
    ],
)
def test_a_unit_that_would_take_for_ever_is_unknown_at_once(unit: str) -> None:
    with pytest.raises(UnknownUnitError) as caught:
        conversion(unit, "active_energy", "kWh")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("unit", ["kW h", "N*m", "W/m2", "mm/s^2", "m**-1", "kg·m²", "cmH2O", "J/kg/K", "1/s"])
def test_compound_units_of_devices_are_understood(unit: str) -> None:
    assert is_known(unit)
