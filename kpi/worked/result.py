"""What checking a worked example says, and the comparison that decides it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Where an example states no tolerance, floats may differ by rounding of the last bits only.
DEFAULT_TOLERANCE = 1e-9

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
    """Compare answers with what is expected; an example of which no key is covered is unsupported."""
    expected, tolerance = example["expected"], example.get("tolerance", {})
    covered = [key for key in expected if key in answers]
    wrong = tuple(
        f"{key}: {answers[key]!r} instead of {expected[key]!r}"
        for key in covered
        if not agree(answers[key], expected[key], tolerance.get(key, DEFAULT_TOLERANCE))
    )
    uncovered = tuple(key for key in expected if key not in answers)
    outcome = "unsupported" if not covered else "fail" if wrong else "pass"
    return Result(example["id"], example["kind"], outcome, wrong, uncovered)


def agree(found: Any, expected: Any, tolerance: float) -> bool:
    """Whether two answers agree: numbers within the tolerance, lists and mappings part by part, the rest exactly."""
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and agree(found[key], value, tolerance) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return len(found) == len(expected) and all(
            agree(one, two, tolerance) for one, two in zip(found, expected, strict=True)
        )
    if isinstance(expected, bool) or expected is None or isinstance(expected, str) or found is None:
        return bool(found == expected)
    return abs(float(found) - float(expected)) <= tolerance
