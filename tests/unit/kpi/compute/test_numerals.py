"""Numbers that others wrote."""

from typing import Any

import pytest

from kpi.compute.numerals import amount, number


@pytest.mark.parametrize("value", [True, None, "1", [1], float("nan"), float("inf"), 10**400, -(10**400)])
def test_what_is_no_number_is_none(value: Any) -> None:
    assert number(value) is None
    assert amount(value) is None


def test_an_amount_is_not_negative() -> None:
    assert (number(-1), amount(-1), amount(0), amount(2.5)) == (-1.0, None, 0.0, 2.5)
