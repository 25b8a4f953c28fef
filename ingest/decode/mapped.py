"""JSON records of any shape, as a mapping file says: an object or a list of them, at the top or somewhere inside."""

import json
from typing import Any

from ingest.decode.compression import plain
from ingest.decode.mapped_events import add_event
from ingest.decode.paths import FieldError, get, leaves
from ingest.decode.record import Record
from ingest.decode.result import Decoded, Rejection, refused, shown, with_ordinals
from ingest.decode.scalars import REMOVED, Given, add_value, number
from ingest.decode.taken import Names
from ingest.decode.times import TimeError
from ingest.limits import Limits
from ingest.mapping import ItemRule, Mapping, ValueRule
from ingest.names import series_name


def decode(
    payload: bytes, mapping: Mapping, received_us: int = 0, place: str = "", names: Names | None = None
) -> Decoded:
    """Decode the records of a payload as the mapping says; `place` is `site/area/unit` as the topic says."""
    names = names or Names(mapping)
    try:
        document = json.loads(payload.decode())
        records = _records(document, mapping)
    except UnicodeDecodeError as error:
        return refused("undecodable", f"the payload is not UTF-8 text (byte {error.start})")
    except RecursionError:
        return refused("undecodable", "the payload is nested too deeply")
    except FieldError as error:
        return refused("wrong_shape", str(error))
    except ValueError as error:
        return refused("undecodable", f"the payload is not JSON: {error}")
    result = Decoded()
    for record in records:
        if isinstance(record, dict) or (mapping.item is not None and isinstance(record, list)):
            one = Record(record, document, mapping, received_us)
            mismatch = _mismatch(one, place) if mapping.identity else None
            if mismatch:
                result.rejected.append(mismatch)
            else:
                _add_record(result, one, names)
        else:
            result.rejected.append(
                Rejection("wrong_shape", f"a record must be an object, not {_named(record, mapping)}")
            )
    if result.rejected and not (result.values or result.events):
        first = result.rejected[0]
        return refused(first.code, first.detail) if first.code == "wrong_shape" else result
    result.values = with_ordinals(result.values)
    return result


def _mismatch(record: Record, place: str) -> Rejection | None:
    """The refusal of a record that names another machine than its topic, by its name, path, or site and path."""
    told = record.get(record.mapping.identity)
    names = {place, place.partition("/")[2], place.rpartition("/")[2]} - {""}
    if isinstance(told, str | int) and str(told) in names:
        return None
    values = max(1, len(record.mapping.values) + len(record.mapping.events))
    return Rejection("identity_mismatch", f"the payload is of {shown(told)}, the topic says {shown(place)}", values)


def redacted(payload: bytes, mapping: Mapping) -> bytes:
    """The payload as it may be kept when it is refused: without the fields that name persons, or empty."""
    if not mapping.names_persons:
        return payload
    try:
        document = json.loads(_text(payload))
    except (ValueError, RecursionError):
        return b""
    hidden = mapping.hidden
    if mapping.format != "json" or mapping.item or mapping.records or any(source.startswith("$") for source in hidden):
        return b""
    records = document if isinstance(document, list) else [document]
    if not all(isinstance(record, dict) for record in records):
        return b""  # nobody knows where in it a name may be
    for record in records:
        record.update(dict.fromkeys(hidden & record.keys(), REMOVED))
    try:
        # A lone surrogate is written as the escape that it came as.
        return json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")
    except RecursionError:
        return b""


def _text(payload: bytes) -> str:
    """The text of a payload, decompressed; raises ValueError where there is none."""
    opened = plain(payload, Limits().payload_bytes)
    if isinstance(opened, Rejection):
        raise ValueError(opened.detail)  # noqa: TRY004 - a payload that is no text is no wrong type of ours
    return opened.decode()


def _records(document: Any, mapping: Mapping) -> list[Any]:
    """The records of a payload: what stands at `records`, or all of it."""
    if not mapping.records:
        return document if isinstance(document, list) else [document]
    outer = document if isinstance(document, list) else [document]
    found = [get(part, mapping.records, document) for part in outer]
    if all(part is None for part in found):
        raise FieldError(f"nothing stands at {shown(mapping.records)}")
    return [record for part in found if part is not None for record in (part if isinstance(part, list) else [part])]


def _named(record: Any, mapping: Mapping) -> str:
    """A record that is none, as a sentence may show it."""
    return f"a {type(record).__name__}" if mapping.names_persons else shown(record)


def _add_record(result: Decoded, record: Record, names: Names) -> None:
    mapping = record.mapping
    for event in mapping.events:
        add_event(result, record, event)
    if mapping.item is not None:
        _add_item(result, record, mapping.item, names)
        return
    rules = [*mapping.values, *_free(result, _proposed(record), names)]
    ts_us = _time(result, record, len(rules)) if rules else None
    if ts_us is not None:
        for rule in rules:
            add_value(result, rule, Given(record.get(rule.source), ts_us, person=rule.source in mapping.hidden))


def _add_item(result: Decoded, record: Record, item: ItemRule, names: Names) -> None:
    """A record that is one value and says its name."""
    mapping = record.mapping
    name = record.get(item.name)
    if not isinstance(name, str) or not name:
        seen = "a " + type(name).__name__ if mapping.names_persons else shown(name)
        result.rejected.append(Rejection("bad_name", f"the name at {item.name} must be a text, not {seen}"))
        return
    value = record.get(item.value)
    rule = mapping.by_source.get(name)
    if rule is None and mapping.unmapped == "propose" and name not in mapping.hidden:
        is_text = isinstance(value, str) and number(value) is None
        proposed = mapping.rule_for_unmapped(series_name(name), is_text=is_text, source=name)
        rule = next(iter(_free(result, [proposed], names)), None)
        if rule is None:
            return
    if rule is None:
        result.ignored += 1
        return
    ts_us = _time(result, record, 1)
    if ts_us is not None:
        unit = record.get(item.unit) if item.unit and not rule.is_text else None
        given = unit if isinstance(unit, str) and unit else None
        add_value(result, rule, Given(value, ts_us, given, person=name in mapping.hidden))


def _time(result: Decoded, record: Record, values: int) -> int | None:
    try:
        return record.time()
    except TimeError as error:
        result.rejected.append(Rejection("bad_time", str(error), values))
        return None


def _free(result: Decoded, proposed: list[ValueRule], names: Names) -> list[ValueRule]:
    """The proposed rules whose names nothing else has."""
    refusals = [names.refusal(rule, rule.source) for rule in proposed]
    result.rejected += filter(None, refusals)
    return [rule for rule, refusal in zip(proposed, refusals, strict=True) if refusal is None]


def _proposed(record: Record) -> list[ValueRule]:
    """Rules for the members that no rule names."""
    mapping = record.mapping
    if mapping.unmapped == "ignore":
        return []
    used = {*mapping.by_source, mapping.time.source}
    return [
        mapping.rule_for_unmapped(
            series_name(name), is_text=isinstance(value, str) and number(value) is None, source=path
        )
        for name, path, value in leaves(record.fields)
        if not {path, "$." + path} & used
        and not mapping.hides(path)
        and isinstance(value, int | float | str)
        and value != ""
    ]
