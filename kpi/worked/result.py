"""What checking a worked example says, and the comparison that decides it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# Where an example states no tolerance, numbers may differ by rounding of the last bits only: absolute near zero, else
# relative. `exact`, where given, holds what is expected with ten decimals.
DEFAULT_TOLERANCE = 1e-9
_EXACT_DIGITS = 1e-10

Inputs = Mapping[str, Any]
Answers = dict[str, Any]


class UnsupportedError(Exception):
    """An example of a shape that nothing here can serve."""


@dataclass(frozen=True)
class Result:
    """Outcome of one example: pass, fail or unsupported; `uncovered` are expected keys outside the catalogue."""

    id: str
    kind: str
    outcome: str
    details: tuple[str, ...] = ()
    uncovered: tuple[str, ...] = ()


def compare(example: Mapping[str, Any], answers: Answers) -> Result:
    """Compare answers with what is expected; an example with a key that nothing here answers is unsupported.

    Raises:
        ValueError: a tolerance is no number.
    """
    expected, tolerance = example["expected"], example.get("tolerance")
    covered = [key for key in expected if key in answers]
    wrong = tuple(
        f"{key}: {answers[key]!r} instead of {expected[key]!r}{_within(allowed)}"
        for key in covered
        if not agree(answers[key], expected[key], allowed := _of_part(tolerance, key))
        and not (allowed is None and _rounded(answers[key], expected[key], _of_part(example.get("exact"), key)))
    )
    uncovered = tuple(key for key in expected if key not in answers)
    outcome = "fail" if wrong else "unsupported" if uncovered else "pass"
    return Result(str(example["id"]), str(example["kind"]), outcome, wrong, uncovered)


def agree(found: Any, expected: Any, tolerance: Any = None) -> bool:
    """Whether two answers agree: numbers within the tolerance, lists and mappings part by part, the rest exactly.

    Args:
        found: the product's answer.
        expected: what an example says.
        tolerance: absolute difference allowed, `{"abs": ..., "rel": ...}` of which the wider counts, a mapping or list
            of those by part, or None for the default.

    Raises:
        ValueError: the tolerance is no number.
    """
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and agree(found[key], value, _of_part(tolerance, key)) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list | tuple)
            and len(found) == len(expected)
            and all(agree(found[n], each, _of_part(tolerance, n)) for n, each in enumerate(expected))
        )
    if not _is_number(expected) or not _is_number(found):
        return type(found) is type(expected) and bool(found == expected)
    return bool(abs(found - expected) <= _allowed(expected, tolerance))


def _allowed(expected: float, tolerance: Any) -> float:
    if tolerance is None:
        return DEFAULT_TOLERANCE * max(1.0, abs(expected))
    if isinstance(tolerance, Mapping) and tolerance and set(tolerance) <= {"abs", "rel"}:
        return max(_allowed(expected, tolerance.get("abs", 0)), abs(expected) * _allowed(1, tolerance.get("rel", 0)))
    if not _is_number(tolerance):
        raise ValueError(f"the tolerance {tolerance!r} is no number")
    return float(tolerance)


def _rounded(found: Any, expected: Any, exact: Any) -> bool:
    """Whether a published figure without a tolerance is the answer with fewer digits, as `exact` beside it shows."""
    if isinstance(expected, list) and isinstance(found, list | tuple) and isinstance(exact, list):
        same = len(found) == len(expected) == len(exact)
        return same and all(_rounded(*each) for each in zip(found, expected, exact, strict=True))
    if isinstance(expected, Mapping) and isinstance(found, Mapping) and isinstance(exact, Mapping):
        return all(_rounded(found.get(key), value, exact.get(key)) for key, value in expected.items())
    if not (_is_number(found) and _is_number(expected) and _is_number(exact)):
        return agree(found, expected)
    last_digit = float(Decimal(1).scaleb(int(Decimal(repr(expected)).normalize().as_tuple().exponent)))
    near = abs(found - exact) <= _allowed(exact, None) + _EXACT_DIGITS
    return bool(near and abs(exact - expected) <= last_digit / 2 * (1 + DEFAULT_TOLERANCE))


def _of_part(of_whole: Any, part: str | int) -> Any:
    if isinstance(of_whole, Mapping):
        return of_whole.get(part)
    if isinstance(of_whole, list):
        return of_whole[part] if isinstance(part, int) and part < len(of_whole) else None
    return of_whole


def _within(tolerance: Any) -> str:
    return f" (± {tolerance:g})" if _is_number(tolerance) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
