"""UMH payloads: `{"timestamp_ms", name: value, group: {name: value}}`, or one `value` whose name the topic says.

Groups in the topic and in the payload become parts of the name, joined by dots.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import msgspec

from ingest.decode.result import Decoded, Rejection, Value, refused, shown
from ingest.decode.scalars import Given, add_value
from ingest.decode.taken import Names
from ingest.mapping import Mapping
from ingest.names import series_name
from model.vocabulary import Quality

TIME, VALUE = "timestamp_ms", "value"
MOST_DEPTH = 8
_LARGEST_MS = 1 << 53
_GOOD, _NO_SIGNAL = int(Quality.GOOD), int(Quality.NO_SIGNAL)
_decode = msgspec.json.Decoder().decode


def decode(payload: bytes, path: str = "", mapping: Mapping | None = None, names: Names | None = None) -> Decoded:
    """Decode a message whose topic has `path` (`group/name`) behind `_historian`; rules of a mapping come first."""
    document = _document(payload)
    if isinstance(document, Decoded):
        return document
    result = Decoded()
    ts_us = _time(document[TIME], max(1, len(document) - 1))
    if isinstance(ts_us, Rejection):
        result.rejected.append(ts_us)
        return result
    seen: set[str] = set()
    for name, value in _named(document, series_name(path), result):
        if name in seen:
            result.rejected.append(Rejection("name_taken", f"two values of the message have the name {shown(name)}"))
        elif mapping is None:
            _add_plain(result, name, value, ts_us)
        else:
            _add_mapped(result, names or Names(mapping), mapping, name, Given(value, ts_us))
        seen.add(name)
    return result


def _document(payload: bytes) -> dict[str, Any] | Decoded:
    """The object of a payload, or its refusal."""
    try:
        document = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            document = json.loads(payload.decode())  # says what is wrong, and takes NaN for one bad value
        except UnicodeDecodeError as error:
            return refused("undecodable", f"the payload is not UTF-8 text (byte {error.start})")
        except RecursionError:
            return refused("undecodable", "the payload is nested too deeply")
        except ValueError as error:
            return refused("undecodable", f"the payload is not JSON: {error}")
    if not isinstance(document, dict):
        return refused("wrong_shape", f"an object with {TIME} was expected, not {shown(document)}")
    if TIME not in document:
        return refused("wrong_shape", f"the member `{TIME}` is missing")
    return document


def _time(value: Any, values: int) -> int | Rejection:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or not -_LARGEST_MS < value < _LARGEST_MS:
        return Rejection("bad_time", f"{TIME} must be whole milliseconds since 1970, not {shown(value)}", values)
    return int(value) * 1000


def _named(document: dict[str, Any], path: str, result: Decoded) -> Iterator[tuple[str, Any]]:
    """Values with their names; one that is a tag's only value is called as the topic says."""
    if path and document.keys() == {TIME, VALUE} and not isinstance(document[VALUE], dict):
        yield path, document[VALUE]
    else:
        members = {name: value for name, value in document.items() if name != TIME}
        yield from _flat(members, path, result)


def _flat(members: dict[str, Any], above: str, result: Decoded, depth: int = 1) -> Iterator[tuple[str, Any]]:
    for member, value in members.items():
        name = f"{above}.{series_name(member)}" if above else series_name(member)
        if not isinstance(value, dict):
            yield name, value
        elif depth < MOST_DEPTH:
            yield from _flat(value, name, result, depth + 1)
        else:
            result.rejected.append(
                Rejection("wrong_shape", f"{shown(name)}: groups are nested {MOST_DEPTH} deep at most")
            )


def _add_plain(result: Decoded, name: str, value: Any, ts_us: int) -> None:
    """Add a value as it is; the registry says what it measures."""
    added: Value | None = None
    if value is None:
        added = (name, None, ts_us, None, _NO_SIGNAL)
    elif isinstance(value, str):
        added = (name, None, ts_us, value, _GOOD)
    elif isinstance(value, list):
        result.rejected.append(Rejection("wrong_type", f"{shown(name)} must be one value, not {shown(value)}"))
    else:
        number = _float(value)
        if math.isfinite(number):
            added = (name, None, ts_us, number, _GOOD)
        else:
            result.rejected.append(Rejection("not_finite", f"{shown(name)} is not a finite number"))
    if added is not None:
        result.values.append(added)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _add_mapped(result: Decoded, names: Names, mapping: Mapping, name: str, given: Given) -> None:
    rule = mapping.by_source.get(name)
    if rule is None and mapping.unmapped == "propose" and not mapping.hides(name):
        rule = mapping.rule_for_unmapped(name, is_text=isinstance(given.value, str))
    if rule is None:
        result.ignored += 1
    elif (refusal := names.refusal(rule, name)) is not None:
        result.rejected.append(refusal)
    else:
        add_value(result, rule, given._replace(person=mapping.hides(name)))
