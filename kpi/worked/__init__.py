"""Worked examples: numbers that others published or computed, answered by the functions that the product uses."""

import json
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from polars.exceptions import PolarsError

from kpi.carbon.warming import NoFactorError
from kpi.errors import ExampleFileError
from kpi.worked import amounts, calendars, carbon, chains, energy, iso, oee, ratios, states
from kpi.worked.result import Answers, Inputs, Result, UnsupportedError, compare

_ROOMS = (ratios, oee, iso, amounts, chains, calendars, energy, carbon, states)
_PARTS = ("id", "kind", "inputs", "expected")
ADAPTORS = {kind: adaptor for room in _ROOMS for kind, adaptor in room.ADAPTORS.items()}


def check(path: Path) -> list[Result]:
    """Check all examples of a file: a JSON list (or an object that has one as `examples`), or a folder of such files.

    Raises:
        ExampleFileError: the file cannot be read, or nothing in it is an example.
    """
    names = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not names:
        raise ExampleFileError(f"The folder {path} has no file *.json.")
    return [check_example(example, number) for name in names for number, example in enumerate(_examples(name), 1)]


def check_example(example: Any, number: int = 1) -> Result:
    """Answer one example with the product's own functions and compare; what is no example fails, by its number.

    An input that is null counts as left out; where the product cannot do without it, what is not known has no value.
    """
    given = example if isinstance(example, Mapping) else {}
    identity, kind = str(given.get("id", f"#{number}")), str(given.get("kind", "?"))
    if wrong := _malformed(example):
        return Result(identity, kind, "fail", (wrong,))
    adaptor = ADAPTORS.get(kind)
    if adaptor is None:
        return Result(identity, kind, "unsupported", (f"no example of kind {kind!r} can be answered",))
    try:
        answers = _answers(adaptor, example)
    except (UnsupportedError, NoFactorError) as error:
        return Result(identity, kind, "unsupported", (str(error),))
    except Exception as error:  # noqa: BLE001 - whatever an example makes go wrong is that example's failure
        return Result(identity, kind, "fail", (_why(error, example["inputs"]),))
    try:
        return compare(example, answers)
    except ValueError as error:
        return Result(identity, kind, "fail", (str(error),))


def _answers(adaptor: Callable[[Inputs], Answers], example: Mapping[str, Any]) -> Answers:
    inputs = example["inputs"]
    try:
        return adaptor({name: value for name, value in inputs.items() if value is not None})
    except KeyError as error:
        if not (error.args and error.args[0] in inputs and inputs[error.args[0]] is None):
            raise
        return dict.fromkeys(example["expected"])


def _why(error: Exception, inputs: Mapping[str, Any]) -> str:
    if type(error) is KeyError:
        return f"{error} is missing in the inputs, or not known"
    odd = ", ".join(f"{name} {value!r}" for name, value in inputs.items() if value is None or isinstance(value, str))
    if odd and isinstance(error, TypeError | PolarsError):
        return f"cannot be computed with {odd}"
    first, *_ = (str(error.args[0] if error.args else error)).splitlines() or [""]
    return f"cannot be computed: {first or type(error).__name__}"


def _malformed(example: Any) -> str:
    if not isinstance(example, Mapping):
        return "is no object with id, kind, inputs and expected"
    if lacking := [name for name in _PARTS if name not in example]:
        return f"has no {', '.join(lacking)}"
    wrong = [name for name in ("inputs", "expected") if not isinstance(example[name], Mapping)]
    if wrong:
        return f"{' and '.join(wrong)} must be an object"
    if not example["expected"]:
        return "expects nothing"
    endless = [name for name, value in example["inputs"].items() if _is_endless(value)]
    return f"{', '.join(endless)}: not a finite number" if endless else ""


def _is_endless(value: Any) -> bool:
    if isinstance(value, Mapping | list):
        return any(map(_is_endless, value.values() if isinstance(value, Mapping) else value))
    return isinstance(value, float) and not isfinite(value)


def _examples(path: Path) -> list[Any]:
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ExampleFileError(f"The examples {path} cannot be read: {error}") from error
    if isinstance(document, Mapping) and "kind" not in document:
        document = document.get("examples", document)
    found = document if isinstance(document, list) else [document]
    if not found:
        raise ExampleFileError(f"{path} has no examples.")
    faults = [_malformed(each) for each in found]
    if all(faults):
        raise ExampleFileError(f"{path} is no list of worked examples: the first entry {faults[0]}.")
    return found


__all__ = ["Result", "check", "check_example"]
