"""One value per topic: a meter's bare number, a PackML tag. What the value is, the topic says.

The payload is a text (`23.5`, `23.5 kWh`, `Execute`), a JSON value, or an object that holds the value and its time.
"""

import json
from typing import Any

from ingest import packml
from ingest.decode.paths import FieldError, get
from ingest.decode.record import Record
from ingest.decode.result import Decoded, Rejection, refused, shown
from ingest.decode.scalars import Given, add_value, number, number_and_unit, with_point
from ingest.decode.times import TimeError
from ingest.mapping import Mapping, ValueRule
from ingest.names import series_name

_WORDS = {"true": True, "false": False, "null": None, "": None}


def decode(payload: bytes, mapping: Mapping, tag: str = "", received_us: int = 0) -> Decoded:
    """Decode the value of a tag."""
    try:
        document = _document(payload.decode().strip())
        value = _value(document, mapping)
    except UnicodeDecodeError as error:
        return refused("undecodable", f"the payload is not UTF-8 text (byte {error.start})")
    except RecursionError:
        return refused("undecodable", "the payload is nested too deeply")
    except FieldError as error:
        return refused("wrong_shape", str(error))
    except ValueError as error:
        return refused("undecodable", f"the payload is not JSON: {error}")
    return _decoded(Record(document, document, mapping, received_us), tag, value)


def _document(text: str) -> Any:
    """The payload: what begins as JSON as such, true and false, nothing for an empty one, else the text."""
    if text[:1] in ("{", "[", '"'):
        return json.loads(text)
    return _WORDS.get(text, text)


def _value(document: Any, mapping: Mapping) -> Any:
    """The value in a payload."""
    if isinstance(document, list):
        raise FieldError("the payload must be one value, or an object that holds it, not a list")
    if not isinstance(document, dict):
        return document
    if not mapping.value.startswith("$") and mapping.value not in document:
        raise FieldError(f"the payload has no member `{mapping.value}`: the mapping's `value` says which holds it")
    return get(document, mapping.value)


def _decoded(record: Record, tag: str, value: Any) -> Decoded:
    mapping, result = record.mapping, Decoded()
    rule = _rule(mapping, tag, value)
    if rule is None:
        result.ignored = 1
        return result
    try:
        ts_us = record.time()
    except TimeError as error:
        bare = not isinstance(record.fields, dict)
        why = "a bare value has no time; `time: receive` takes the time of receipt" if bare else str(error)
        result.rejected.append(Rejection("bad_time", why))
        return result
    given = Given(value, ts_us, person=mapping.hides(rule.source))
    if isinstance(value, str) and not rule.is_text:
        text = with_point(value) if mapping.decimal == "comma" else value
        if text is None:
            detail = f"{shown(rule.name)} must be a number such as 1.234,5 (`decimal: comma`), not {shown(value)}"
            result.rejected.append(Rejection("wrong_type", detail))
            return result
        given = _measured(given, text)
    add_value(result, rule, given)
    return result


def _measured(given: Given, text: str) -> Given:
    """A number written as text, with or without its unit."""
    found = number_and_unit(text)
    if found is None or number(text) is not None:
        return given._replace(value=text)
    return given._replace(value=found[0], unit=found[1])


def _rule(mapping: Mapping, tag: str, value: Any) -> ValueRule | None:
    return _listed(mapping, tag) or proposed(mapping, tag, is_text=_is_text(value, mapping))


def _listed(mapping: Mapping, tag: str) -> ValueRule | None:
    if mapping.format == "packml":
        return mapping.by_tag.get(packml.canonical(tag))
    return mapping.by_source.get(tag) if tag else mapping.values[0]


def proposed(mapping: Mapping, tag: str, *, is_text: bool = False) -> ValueRule | None:
    """What a tag that no rule names is proposed as, if such ones are wanted."""
    if mapping.unmapped == "ignore" or not tag or mapping.hides(tag) or _listed(mapping, tag) is not None:
        return None
    if mapping.format == "packml" and packml.canonical(tag).startswith("command."):
        return None  # what somebody wants of the machine is no measurement
    name = series_name(tag.replace("[", "/").replace("]", ""))
    return mapping.rule_for_unmapped(name, is_text=is_text, source=tag)


def _is_text(value: Any, mapping: Mapping) -> bool:
    if not isinstance(value, str):
        return False
    text = with_point(value) if mapping.decimal == "comma" else value
    return text is None or (number(text) is None and number_and_unit(text) is None)
