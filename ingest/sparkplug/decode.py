"""Metrics of a message in, readings and refusals out, by what the births of the device say of them."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ingest.decode.result import Decoded, Key, Person, Rejection, Value, packed, shown, with_ordinals
from ingest.sparkplug.meaning import Meaning, Meanings
from ingest.sparkplug.payload import LARGEST_MS, LONGEST_NAME, TEXTS, PayloadError, quality_code_of, unit_of, value_of
from ingest.sparkplug.sparkplug_b_pb2 import Metric, Payload
from ingest.sparkplug.state import BirthMetric
from model.vocabulary import Quality

_GOOD = int(Quality.GOOD)
_SMALL = 0x80  # below it a whole number is the same in every type


class Context(NamedTuple):
    """How a message is read: what aliases mean, why others mean nothing, and whether it is a birth."""

    aliases: Mapping[int, Meaning]
    why: str = "is in no birth that is known here; the node is asked to introduce itself again"
    is_birth: bool = False


def birth_metrics(payload: Payload) -> tuple[BirthMetric, ...]:
    """What a birth defines."""
    return tuple(
        BirthMetric(m.name, m.alias if m.HasField("alias") else None, m.datatype, unit_of(m))
        for m in payload.metrics
        if isinstance(m.name, str) and m.name and len(m.name) <= LONGEST_NAME and "\x00" not in m.name
    )


def decode(payload: Payload, meanings: Meanings, context: Context | None = None) -> Decoded:
    """Readings of a message, aliases as the last birth says unless told otherwise; numbers of one time go as a row."""
    context = Context(meanings.by_alias) if context is None else context
    by_name, by_alias = meanings.by_name, context.aliases
    stamp = payload.timestamp
    keys: list[Key] = []
    numbers: list[float] = []
    rest: list[Metric] = []
    row_ms = -1
    for metric in payload.metrics:
        name = metric.name
        meaning = by_name.get(name) if name else by_alias.get(metric.alias)
        number = _plain(metric, meaning) if meaning is not None and (name or metric.alias) else None
        ms = metric.timestamp or stamp
        if number is None or (ms != row_ms and row_ms >= 0) or not 0 < ms < LARGEST_MS:
            rest.append(metric)
            continue
        row_ms = ms
        keys.append(meaning.key)  # type: ignore[union-attr]
        numbers.append(number)
    if len(set(keys)) == len(keys) and math.isfinite(sum(numbers)):
        rows = [(meanings.row(tuple(keys)), row_ms * 1000, packed(numbers))] if keys else []
        if not rest:
            return Decoded(rows=rows)
        result = Decoded(values=[], rejected=[], rows=rows)
        _add_all(result, rest, stamp, meanings, context)
        names = {value[0] for value in result.values}
        if len(names) == len(result.values) and names.isdisjoint(_names(keys)):
            return result
    result = Decoded(values=[], rejected=[])  # a name that comes twice: their order tells which is which
    _add_all(result, payload.metrics, stamp, meanings, context)
    result.values = with_ordinals(result.values)
    return result


def _names(keys: list[Key]) -> set[str]:
    return {key if isinstance(key, str) else key[0] for key in keys}


def _plain(metric: Metric, meaning: Meaning) -> float | None:
    """The value of a metric about which nothing is unusual."""
    if not meaning.is_plain or metric.is_null or metric.is_historical or metric.is_transient:
        return None
    field = metric.WhichOneof("value")
    number: float | None = None
    if field == "double_value":
        number = metric.double_value
    elif field == "float_value":
        number = metric.float_value
    elif field == "boolean_value":
        number = 1.0 if metric.boolean_value else 0.0
    elif field == "int_value" and metric.int_value < _SMALL and meaning.datatype:
        number = float(metric.int_value)
    elif field == "long_value" and metric.long_value < _SMALL and meaning.datatype:
        number = float(metric.long_value)
    elif field in {"int_value", "long_value"}:
        number = _whole(metric, meaning)
    if number is None or metric.HasField("properties"):
        return None
    return number * meaning.scale if meaning.scale != 1.0 else number


def _whole(metric: Metric, meaning: Meaning) -> float | None:
    try:
        found = value_of(metric, metric.datatype or meaning.datatype)
    except PayloadError:
        return None
    return found if isinstance(found, float) else None


# -- one by one: what is unusual ------------------------------------------------------------------


def _add_all(result: Decoded, metrics: Iterable[Metric], stamp: int, meanings: Meanings, context: Context) -> None:
    for metric in metrics:
        meaning = _meaning(result, metric, meanings, context)
        if meaning is None:
            continue
        if meaning.is_ignored or metric.is_transient:
            result.ignored += 1
        elif meaning.refusal:
            result.rejected.append(meaning.refusal)
        else:
            try:
                result.values.append(_value(metric, meaning, metric.timestamp or stamp, context))
            except PayloadError as error:
                result.rejected.append(Rejection(error.code, f"{shown(meaning.name)}: {error}"))


def _meaning(result: Decoded, metric: Metric, meanings: Meanings, context: Context) -> Meaning | None:
    """What a metric is by its name, else by its alias; nothing where it cannot be told."""
    name = metric.name
    if name:
        if not isinstance(name, str) or len(name) > LONGEST_NAME:
            result.rejected.append(Rejection("bad_name", f"{shown(name)} is too long for a name, or no UTF-8 text"))
            return None
        found = meanings.by_name.get(name)
        return found or meanings.define(BirthMetric(name, None, _datatype(metric)))
    if not metric.HasField("alias"):
        result.rejected.append(Rejection("bad_name", "a metric has neither name nor alias"))
        return None
    found = context.aliases.get(metric.alias)
    if found is None:
        result.rejected.append(Rejection("unknown_alias", f"alias {metric.alias} {context.why}"))
    return found


def _datatype(metric: Metric) -> int:
    if not metric.datatype and metric.WhichOneof("value") == "string_value":
        return next(iter(TEXTS))
    return metric.datatype


def _value(metric: Metric, meaning: Meaning, ms: int, context: Context) -> Value:
    if not 0 < ms < LARGEST_MS:
        raise PayloadError("bad_time", "has no time, and neither has its payload" if not ms else f"{ms} ms is no time")
    ts_us = ms * 1000
    if metric.is_null:
        return meaning.name, meaning.unit, ts_us, None, int(Quality.NO_SIGNAL)
    found = value_of(metric, metric.datatype or meaning.datatype)
    quality = _quality(metric)
    if found == "" and meaning.is_text and (context.is_birth or meaning.is_state):  # what was never said
        return meaning.name, meaning.unit, ts_us, None, int(Quality.NO_SIGNAL)
    if meaning.is_text:
        return meaning.name, meaning.unit, ts_us, _text(found, meaning), quality
    if isinstance(found, str):
        raise PayloadError("wrong_type", f"must be a number, not {shown(found)}")
    value = found * meaning.scale
    if not math.isfinite(value):
        raise PayloadError("not_finite", f"{found:g} times the rule's scale {meaning.scale:g} is not a finite number")
    if meaning.rule and meaning.rule.range and not meaning.rule.range[0] <= value <= meaning.rule.range[1]:
        quality = int(Quality.BAD)
    return meaning.name, meaning.unit, ts_us, value, quality


def _text(found: float | str, meaning: Meaning) -> str:
    """A text, also where a number stands for a state."""
    value = int(found) if isinstance(found, float) and found.is_integer() else found
    text = meaning.rule.word(value) if meaning.rule else str(value)
    return Person(text) if meaning.rule and meaning.rule.person else text


def _quality(metric: Metric) -> int:
    code = quality_code_of(metric) if metric.HasField("properties") else None
    if code is not None and not 192 <= code <= 255:
        return int(Quality.UNCERTAIN if code == 500 or 64 <= code < 192 else Quality.BAD)
    return int(Quality.HISTORICAL) if metric.is_historical else _GOOD
