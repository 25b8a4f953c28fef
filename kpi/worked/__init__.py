"""Worked examples: numbers that others published or computed, answered by the functions that the product uses."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kpi.worked import chains, ratios
from kpi.worked.result import Result, UnsupportedError, compare

ADAPTORS = {**ratios.ADAPTORS, **chains.ADAPTORS}


def check(path: Path) -> list[Result]:
    """Check all examples of a file: a JSON list, or a folder of such files."""
    names = sorted(path.glob("*.json")) if path.is_dir() else [path]
    found = [json.loads(name.read_text("utf-8")) for name in names]
    return [check_example(example) for each in found for example in (each if isinstance(each, list) else [each])]


def check_example(example: Mapping[str, Any]) -> Result:
    """Answer one example with the product's own functions and compare."""
    adaptor = ADAPTORS.get(example["kind"])
    if adaptor is None:
        return Result(example["id"], example["kind"], "unsupported", ("kind outside the catalogue",))
    try:
        answers = adaptor(example["inputs"])
    except UnsupportedError as error:
        return Result(example["id"], example["kind"], "unsupported", (str(error),))
    return compare(example, answers)


__all__ = ["Result", "check", "check_example"]
