"""Single values as mappings see them: what came and a rule in, a value, or the reason why there is none, out."""

import math
import re
from typing import Any, NamedTuple

from ingest.decode.result import Decoded, Person, Rejection, shown
from ingest.mapping import ValueRule
from model.vocabulary import Quality

REMOVED = "(removed)"
# Python itself reads more: `1_000`, digits of other scripts.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_NUMBER_AND_UNIT = re.compile(rf"({_NUMBER.pattern})\s*([A-Za-zµμ°℃%³²·*/.^0-9]{{1,32}})")
# Points only before three digits, and then what cannot go on as a number.
_COMMA = re.compile(r"([+-]?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]*))(?:,([0-9]*))?(?![0-9.,])")
_LONGEST = 80  # the pattern tries every way to divide digits between number and unit


def number(value: Any) -> float | None:
    """A number, also written as text; nothing for NaN and what is no number."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def number_and_unit(text: str) -> tuple[float, str] | None:
    """What a text such as `23.5 kWh` says, if it is one."""
    text = text.strip()
    found = _NUMBER_AND_UNIT.fullmatch(text) if len(text) <= _LONGEST else None
    value = number(found[1]) if found else None
    return (value, found[2]) if found and value is not None else None


def add_number(result: Decoded, rule: ValueRule, unit: str | None, ts_us: int, number: float) -> None:
    """Add a number as the rule says: scaled, and marked bad when it is outside the range that can be true."""
    value = number * rule.scale
    if not math.isfinite(value):
        seen = REMOVED if rule.person else f"{number:g}"
        detail = f"{shown(rule.name)}: {seen} times the rule's scale {rule.scale:g} is not a finite number"
        result.rejected.append(Rejection("not_finite", detail))
        return
    outside = rule.range is not None and not rule.range[0] <= value <= rule.range[1]
    result.values.append((rule.name, unit, ts_us, value, int(Quality.BAD if outside else Quality.GOOD)))


def with_point(text: str) -> str | None:
    """A text that begins with a number such as `1.234,5`, with a decimal point; nothing where the number is no such."""
    found = _COMMA.match(text)
    if found is None:
        return None
    fraction = "" if found[2] is None else f".{found[2]}"
    return f"{found[1].replace('.', '')}{fraction}{text[found.end() :]}"


class Given(NamedTuple):
    """A value as it came: with its time, the unit that the message itself says, and whether it names a person."""

    value: Any
    ts_us: int
    unit: str | None = None
    person: bool = False


def add_value(result: Decoded, rule: ValueRule, given: Given) -> None:
    """Add a value as its rule says. Nothing, and an empty text where a number belongs, is *no signal*."""
    value, ts_us = given.value, given.ts_us
    unit = given.unit or rule.unit or None
    person = given.person or rule.person
    seen = f"a {type(value).__name__} {REMOVED}" if person else shown(value)
    if value is None or (value == "" and not rule.is_text):
        result.values.append((rule.name, unit, ts_us, None, int(Quality.NO_SIGNAL)))
    elif isinstance(value, dict | list):
        result.rejected.append(Rejection("wrong_type", f"{shown(rule.name)} must be one value, not {seen}"))
    elif rule.is_text:
        text = rule.word(value)
        result.values.append((rule.name, unit, ts_us, Person(text) if person else text, int(Quality.GOOD)))
    elif (found := number(value)) is None:
        result.rejected.append(Rejection("wrong_type", f"{shown(rule.name)} must be a number, not {seen}"))
    else:
        add_number(result, rule, unit, ts_us, found)
