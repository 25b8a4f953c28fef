"""JSON records of any shape, as a mapping file says: one object or an array of objects in a payload."""

import json
import math
import re
from functools import lru_cache
from typing import Any

from ingest.decode.result import Decoded, Event, Person, Rejection, refused, shown, with_ordinals
from ingest.decode.shdr import scaled
from ingest.decode.times import TimeError, mapped_time, slot_times
from ingest.mapping import PLACE, EventRule, Mapping, ValueRule
from model.vocabulary import Quality

REMOVED = "(removed)"
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]")


class FieldError(ValueError):
    """A field of a record cannot be used; the text says why."""


def decode(payload: bytes, mapping: Mapping) -> Decoded:
    """Decode the records of a payload as the mapping says."""
    try:
        document = json.loads(payload.decode())
    except UnicodeDecodeError as error:
        return refused("undecodable", f"the payload is not UTF-8 text (byte {error.start})")
    except RecursionError:
        return refused("undecodable", "the payload is nested too deeply")
    except ValueError as error:
        return refused("undecodable", f"the payload is not JSON: {error}")
    records = document if isinstance(document, list) else [document]
    result = Decoded()
    for record in records:
        if isinstance(record, dict):
            _add_record(result, record, mapping)
        else:
            result.rejected.append(
                Rejection("wrong_shape", f"a record must be an object, not {_named(record, mapping)}")
            )
    if result.rejected and not (result.values or result.events):
        first = result.rejected[0]
        return refused(first.code, first.detail) if first.code == "wrong_shape" else result
    result.values = with_ordinals(result.values)
    return result


def redacted(payload: bytes, mapping: Mapping) -> bytes:
    """The payload as it may be kept when it is refused: without the fields that name persons, or empty."""
    if not mapping.names_persons:
        return payload
    try:
        document = json.loads(payload.decode())
    except (ValueError, RecursionError):
        return b""
    if mapping.format != "json" or any(source.startswith("$") for source in _persons(mapping)):
        return b""
    records = document if isinstance(document, list) else [document]
    if not all(isinstance(record, dict) for record in records):
        return b""  # nobody knows where in it a name may be
    for record in records:
        record.update(dict.fromkeys(_persons(mapping) & record.keys(), REMOVED))
    try:
        # A lone surrogate is written as the escape that it came as.
        return json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")
    except RecursionError:
        return b""


@lru_cache(1024)
def steps(path: str) -> tuple[str | int, ...]:
    """The steps of a path: `$.a.b[0]` or `$['a b']`; a text without `$` is the name of one member, dots and all."""
    if not path.startswith("$"):
        return (path,)
    found: list[str | int] = []
    end = 1
    for match in _STEP.finditer(path):
        if match.start() != end:
            break
        found.append(int(match[2]) if match[2] else match[1] or match[3])
        end = match.end()
    if end != len(path):
        raise FieldError(f"path {shown(path)} is not of the form $.a.b[0]")
    return tuple(found)


def get(record: Any, path: str) -> Any:
    """The value at a path, None where there is nothing."""
    for step in steps(path):
        try:
            record = record[step]
        except (KeyError, IndexError, TypeError):
            return None
    return record


def _persons(mapping: Mapping) -> set[str]:
    return {*mapping.persons, *(rule.source for rule in mapping.values if rule.person)}


def _named(record: Any, mapping: Mapping) -> str:
    """A record that is none, as a sentence may show it."""
    return f"a {type(record).__name__}" if mapping.names_persons else shown(record)


def _shown(value: Any, source: str, mapping: Mapping) -> str:
    """The value of a field as a sentence may show it: without what may name a person."""
    return f"a {type(value).__name__} {REMOVED}" if source in _persons(mapping) else shown(value)


def _add_record(result: Decoded, record: dict[str, Any], mapping: Mapping) -> None:
    for event in mapping.events:
        try:
            result.events.append(_event(record, event, mapping))
        except (FieldError, TimeError) as error:
            code = "bad_time" if isinstance(error, TimeError) else "wrong_type"
            result.rejected.append(Rejection(code, f"{event.kind}: {error}"))
    rules = [*mapping.values, *_proposed(record, mapping)]
    if not rules:
        return
    try:
        ts_us = mapped_time(get(record, mapping.time.source or ""), mapping.time)
    except TimeError as error:
        result.rejected.append(Rejection("bad_time", str(error), len(rules)))
        return
    for rule in rules:
        _add_value(result, rule, get(record, rule.source), ts_us, mapping)


def _proposed(record: dict[str, Any], mapping: Mapping) -> list[ValueRule]:
    if mapping.unmapped == "ignore":
        return []
    used = {*mapping.by_source, mapping.time.source, *_persons(mapping)}
    return [
        mapping.rule_for_unmapped(name, is_text=isinstance(value, str) and _number(value) is None)
        for name, value in record.items()
        if name not in used and isinstance(value, int | float | str) and value != ""
    ]


def _add_value(result: Decoded, rule: ValueRule, value: Any, ts_us: int, mapping: Mapping) -> None:
    unit = rule.unit or None
    if value is None:
        result.values.append((rule.name, unit, ts_us, None, int(Quality.NO_SIGNAL)))
    elif isinstance(value, dict | list):
        seen = _shown(value, rule.source, mapping)
        result.rejected.append(Rejection("wrong_type", f"{shown(rule.name)} must be one value, not {seen}"))
    elif rule.is_text:
        text = str(value)
        person = rule.person or rule.source in mapping.persons
        result.values.append((rule.name, unit, ts_us, Person(text) if person else text, int(Quality.GOOD)))
    elif value == "":
        result.values.append((rule.name, unit, ts_us, None, int(Quality.NO_SIGNAL)))
    else:
        number = _number(value)
        if number is None:
            result.rejected.append(
                Rejection(
                    "wrong_type", f"{shown(rule.name)} must be a number, not {_shown(value, rule.source, mapping)}"
                )
            )
        else:
            result.values.append(scaled(rule, unit, ts_us, number))


def _number(value: Any) -> float | None:
    """A number, also written as text; nothing for NaN and what is no number."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


# -- events -----------------------------------------------------------------------------------------


def _event(record: dict[str, Any], rule: EventRule, mapping: Mapping) -> Event:
    payload: dict[str, Any] = {
        **{name: _text(record, source, mapping) for name, source in rule.texts.items()},
        **{name: _count(record, name, source, mapping) for name, source in rule.numbers.items()},
        **{
            group: {name: _count(record, name, source, mapping) for name, source in sources.items()}
            for group, sources in rule.groups.items()
        },
    }
    key = PLACE.sub(lambda found: str(get(record, found[1]) or ""), rule.key)
    if rule.slot is None:
        return Event(rule.kind, key, mapped_time(get(record, mapping.time.source or ""), mapping.time), payload)
    from_us, to_us = slot_times(get(record, rule.slot.date), get(record, rule.slot.slot), rule.slot)
    return Event(rule.kind, key, from_us, payload, from_us, to_us)


def _text(record: dict[str, Any], source: str, mapping: Mapping) -> str | None:
    value = get(record, source)
    if value is None or value == "":
        return None
    if isinstance(value, dict | list):
        raise FieldError(f"{source} must be a text, not {_shown(value, source, mapping)}")
    return Person(value) if source in mapping.persons else str(value)


def _count(record: dict[str, Any], name: str, source: str, mapping: Mapping) -> int | float:
    """A count; an empty cell means that there were none."""
    value = get(record, source)
    if value is None or (isinstance(value, str) and not value.strip()):
        return 0
    number = _number(value)
    if number is None or isinstance(value, bool):
        raise FieldError(f"{name} must be a number, not {_shown(value, source, mapping)}")
    if number < 0:
        raise FieldError(f"{name} is negative ({shown(value)})")
    return int(number) if number.is_integer() else number
