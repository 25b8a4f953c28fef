"""What is a number, and what only looks like one to Python."""

from typing import Any

import pytest

from ingest import intake
from ingest.decode.scalars import number, number_and_unit, with_point
from ingest.decode.times import TimeError, mapped_time
from ingest.mapping import Mapping, TimeRule
from ingest.route import Router


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("23.5", 23.5), (" -4 ", -4.0), ("+.5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("007", 7.0), (True, 1.0), (3, 3.0),
        ("1_000", None), ("12_5", None), ("٣", None), ("１２", None), ("nan", None), ("-inf", None), ("0x1F", None),
        ("", None), (".", None), ("1e999", None), ("1 000", None), ("1,5", None),
        (None, None), ([1], None), (10**400, None), ("1" * 1_000_000 + "x", None), ("1" * 1_000_000, None),
    ],
)  # fmt: skip
def test_what_is_a_number(value: Any, expected: float | None) -> None:
    assert number(value) == expected


def test_digits_of_other_scripts_have_no_unit_either() -> None:
    assert number_and_unit("23.5 kWh") == (23.5, "kWh")
    assert number_and_unit("٣ kWh") is None
    assert number_and_unit("1_0 kWh") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234,5", "1234.5"), ("1234,5", "1234.5"), ("1.234.567", "1234567"), ("1.234", "1234"),
        ("-23,5 kWh", "-23.5 kWh"), ("1" * 1_000_000 + ".", None),
        ("5", "5"), (",5", ".5"), ("1,5e3", "1.5e3"), ("23.5", None), ("0.500", None), ("1.2345", None),
        ("1234.567", None),
        ("1,2,3", None), ("1,234.5", None), ("12.34,5", None), ("1,5 m3/min.", "1.5 m3/min."),
    ],
)  # fmt: skip
def test_decimal_commas(text: str, expected: str | None) -> None:
    assert with_point(text) == expected


def test_a_point_where_commas_are_said_is_refused() -> None:
    rules: dict[str, Any] = {"topic": "m/{m}", "site": "p", "asset": "{m}", "format": "number", "time": "receive"}
    values = [{"from": "", "name": "energy_kwh", "quantity": "active_energy", "unit": "kWh"}]
    source = Router([Mapping.model_validate({**rules, "decimal": "comma", "values": values})]).source("m/1")
    assert intake.decode(source, b"23,5 kWh", 7).values == [("energy_kwh", "kWh", 7, 23.5, 0)]
    (refusal,) = intake.decode(source, b"23.5", 7).rejected
    assert refusal == ("wrong_type", "'energy_kwh' must be a number such as 1.234,5 (`decimal: comma`), not '23.5'", 1)
    assert intake.decode(source, b'{"value": 23.5}', 7).values == [("energy_kwh", "kWh", 7, 23.5, 0)]


def test_a_number_of_a_program_is_no_number_of_shdr() -> None:
    rules = {"topic": "m/{m}", "site": "p", "asset": "{m}", "format": "shdr", "unmapped": "propose", "values": []}
    source = Router([Mapping.model_validate(rules)]).source("m/1")
    (value,) = source.decode(b"2026-11-22T08:00:00Z|prog|12_5").values
    assert value[3] == "12_5"


def test_times_are_such_numbers() -> None:
    rule = TimeRule.model_validate({"from": "t", "format": "unix_s"})
    assert mapped_time("1795334400.5", rule) == 1_795_334_400_500_000
    with pytest.raises(TimeError, match="must be a number"):
        mapped_time("1_795_334_400", rule)
