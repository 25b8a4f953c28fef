"""Catalogue expressions as arithmetic that anyone can work out again: base sums in, text with their numbers out. Pure.

Written are numbers, + - * / **, sqrt, min, max, abs, round, floor; of a distinction only the branch that is taken.
"""

import io
import json
import math
from functools import cache
from typing import Any

import polars as pl

_SIGNS = {"Plus": "+", "Minus": "-", "Multiply": "*", "TrueDivide": "/"}
_CALLS = {"Sqrt": "sqrt", "Abs": "abs", "Floor": "floor", "MinHorizontal": "min", "MaxHorizontal": "max"}
_LOOSE, _SUM, _PRODUCT, _TIGHT = range(4)  # how tightly a text holds together
Node = dict[str, Any]
Written = tuple[str, int]


class UnwrittenError(Exception):
    """An expression has a part that is not known here, or no value."""


def written(expression: pl.Expr, row: pl.DataFrame) -> str:
    """Write an expression with the numbers of a row of base sums in the place of their names.

    Raises:
        UnwrittenError: a part of it is not known here, or has no value.
    """
    return _write(_tree(expression.meta.serialize(format="json")), row)[0]


@cache
def _tree(text: str) -> Node:
    found: Node = json.loads(text)
    return found


def _write(node: Node, row: pl.DataFrame) -> Written:
    kind, body = next(iter(node.items()))
    match kind:
        case "Column":
            return _number(row[body].item())
        case "Literal":
            return _number(next(iter(body.get("Dyn", {}).values()), None))
        case "BinaryExpr":
            return _binary(body, row)
        case "Ternary":
            return _write(body["truthy" if _holds(body["predicate"], row) else "falsy"], row)
        case "Function":
            return _function(body, row)
    raise UnwrittenError(kind)


def _binary(body: Node, row: pl.DataFrame) -> Written:
    sign = _SIGNS.get(body["op"])
    if sign is None:
        raise UnwrittenError(body["op"])
    rank = _SUM if sign in "+-" else _PRODUCT
    left, right = _write(body["left"], row), _write(body["right"], row)
    return f"{_within(left, rank)} {sign} {_within(right, rank if sign == '+' else rank + 1)}", rank


def _function(body: Node, row: pl.DataFrame) -> Written:
    name, options = _named(body["function"])
    parts = [_write(each, row) for each in body["input"]]
    texts = [text for text, _ in parts]
    if name == "SumHorizontal":
        return " + ".join(_within(part, _SUM) for part in parts), _SUM
    if name == "Generic":
        return " ** ".join(_within(part, _TIGHT) for part in parts), _PRODUCT
    if name == "Negate":
        return f"-{_within(parts[0], _TIGHT)}", _LOOSE
    if name == "Round":
        return f"round({texts[0]}, {options['decimals']})", _TIGHT
    if name in _CALLS:
        return f"{_CALLS[name]}({', '.join(texts)})", _TIGHT
    raise UnwrittenError(name)


def _named(function: str | Node) -> tuple[str, Node]:
    """Name of a function and its options; that of a family is the name inside the family."""
    if isinstance(function, str):
        return function, {}
    name, options = next(iter(function.items()))
    return (options, {}) if isinstance(options, str) else (name, options)


def _holds(predicate: Node, row: pl.DataFrame) -> bool:
    """Whether a condition holds over the row; one without a value does not."""
    expression = pl.Expr.deserialize(io.BytesIO(json.dumps(predicate).encode()), format="json")
    return row.select(expression).item() is True


def _within(part: Written, rank: int) -> str:
    text, held = part
    return text if held >= rank else f"({text})"


def number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")


def _number(value: float | None) -> Written:
    if value is None or not math.isfinite(value):
        raise UnwrittenError(value)
    return number(value), _TIGHT if value >= 0 else _LOOSE
