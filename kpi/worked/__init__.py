"""Worked examples: numbers that others published or computed, answered by the functions that the product uses."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kpi.errors import ExampleFileError
from kpi.worked import carbon, chains, energy, ratios, states
from kpi.worked.result import Result, UnsupportedError, compare

ADAPTORS = {**ratios.ADAPTORS, **chains.ADAPTORS, **energy.ADAPTORS, **carbon.ADAPTORS, **states.ADAPTORS}


def check(path: Path) -> list[Result]:
    """Check all examples of a file: a JSON list, or a folder of such files.

    Raises:
        ExampleFileError: the file cannot be read, or is not of this form.
    """
    names = sorted(path.glob("*.json")) if path.is_dir() else [path]
    return [check_example(example) for name in names for example in _examples(name)]


def check_example(example: Mapping[str, Any]) -> Result:
    """Answer one example with the product's own functions and compare."""
    identity, kind = str(example["id"]), str(example["kind"])
    adaptor = ADAPTORS.get(kind)
    if adaptor is None:
        return Result(identity, kind, "unsupported", ("kind outside the catalogue",))
    try:
        answers = adaptor(example["inputs"])
    except UnsupportedError as error:
        return Result(identity, kind, "unsupported", (str(error),))
    except KeyError as error:
        return Result(identity, kind, "unsupported", (f"inputs of this kind need {error}",))
    except (ArithmeticError, TypeError, ValueError) as error:
        return Result(identity, kind, "fail", (f"{type(error).__name__}: {error}",))
    return compare(example, answers)


def _examples(path: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ExampleFileError(f"The examples {path} cannot be read: {error}") from error
    found = document if isinstance(document, list) else [document]
    for number, each in enumerate(found, 1):
        lacking = [
            name for name in ("id", "kind", "inputs", "expected") if not isinstance(each, dict) or name not in each
        ]
        if lacking:
            raise ExampleFileError(f"Example {number} of {path} has no {', '.join(lacking)}.")
    return found


__all__ = ["Result", "check", "check_example"]
