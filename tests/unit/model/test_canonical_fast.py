"""The fast path of canonical JSON writes what the reference library writes."""

import math
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from model.canonical import canonical_json

_NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_LEAVES = st.none() | st.booleans() | _NUMBERS | st.text(st.characters(exclude_categories=["Cs"]))
_KEYS = st.text("ab/:é\U0001f600\ufb33\n", max_size=3)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=12
)


@given(_VALUES)
def test_the_fast_path_equals_the_reference(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("number", [1e-4, 9.9e-5, 1e15, 1e16, 1e21, 0.1, -0.0, 1.0, 123456789.125, 5e-324, 2.0**60])
def test_border_numbers(number: float) -> None:
    assert canonical_json([number]) == rfc8785.dumps([number])


def test_controls_and_quotes() -> None:
    text = "".join(map(chr, range(0x20))) + '"\\/\x7f\u2028é'
    assert canonical_json({"a": text}) == rfc8785.dumps({"a": text})


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_is_no_number_is_refused(number: float) -> None:
    with pytest.raises(rfc8785.FloatDomainError):
        canonical_json({"a": number})
