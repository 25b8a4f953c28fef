"""MTConnect SHDR: lines of `time|item|value|item|value...` and of conditions, one or many in a payload.

The mapping names the items; unnamed ones are ignored or proposed.
"""

from collections.abc import Iterator

from ingest.decode.mtconnect import LEVELS, add_condition, add_observation
from ingest.decode.result import Decoded, Rejection, refused, shown, with_ordinals
from ingest.decode.scalars import number
from ingest.decode.taken import Names
from ingest.decode.times import TimeError, shdr_time
from ingest.mapping import Mapping, ValueRule
from ingest.names import series_name

_CONDITION_FIELDS = 6  # item, level, code, severity, qualifier, text
_SHORTEST = 3  # time, item, value
_NO_LINE = ("wrong_shape", "bad_time")  # a payload of such lines is none of SHDR
_MULTILINE = "--multiline--"


def decode(payload: bytes, mapping: Mapping, names: Names | None = None) -> Decoded:
    """Decode the lines of a payload as the mapping says."""
    names = names or Names(mapping)
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        return refused("undecodable", f"the payload is not UTF-8 text (byte {error.start})")
    result = Decoded()
    lines = 0
    for line in _data_lines(text):
        lines += 1
        _add_line(result, line, mapping, names)
    if lines and not (result.values or result.events or result.ignored) and result.rejected:
        first = result.rejected[0]
        if first.code in _NO_LINE:
            return refused("wrong_shape", first.detail)
    result.values = with_ordinals(result.values)
    return result


def _data_lines(text: str) -> Iterator[str]:
    """Lines with data: no protocol commands, no blank lines, no bodies of multi-line assets."""
    end_mark = ""
    for line in text.splitlines():
        if end_mark:
            if line.strip() == end_mark:
                end_mark = ""
            continue
        if not line.strip() or line.startswith("*"):
            continue
        head, mark, name = line.rpartition(_MULTILINE)
        if mark and "|@" in head:
            end_mark = _MULTILINE + name.strip()
            continue
        yield line


def _add_line(result: Decoded, line: str, mapping: Mapping, names: Names) -> None:
    fields = line.split("|")
    if len(fields) < _SHORTEST:
        result.rejected.append(Rejection("wrong_shape", f"line {shown(line)} is not time|item|value"))
        return
    try:
        ts_us = shdr_time(fields[0])
    except TimeError as error:
        result.rejected.append(Rejection("bad_time", str(error), max(1, len(fields) // 2)))
        return
    if fields[1].startswith("@"):  # @ASSET@, @UPDATE_ASSET@, @REMOVE_ASSET@ on one line
        result.ignored += 1
    elif _is_condition(fields):
        add_condition(result, [field.strip() for field in fields[1:]], ts_us, mapping)
    else:
        _add_pairs(result, fields[1:], ts_us, mapping, names)


def _is_condition(fields: list[str]) -> bool:
    return len(fields) == 1 + _CONDITION_FIELDS and fields[2].strip().lower() in LEVELS


def _add_pairs(result: Decoded, fields: list[str], ts_us: int, mapping: Mapping, names: Names) -> None:
    if len(fields) % 2:
        # A message or alarm item has more fields than a pair; where it is not mapped nothing is lost.
        if _rule(fields[0], mapping) is None:
            result.ignored += 1
        else:
            detail = f"line has {len(fields)} fields after the time: not pairs of item and value"
            result.rejected.append(Rejection("wrong_shape", detail))
        return
    for item, text in zip(fields[::2], fields[1::2], strict=True):
        name = item.strip()
        rule = _rule(name, mapping)
        if rule is None and mapping.unmapped == "propose" and name:
            proposed = series_name(name.replace(":", "."))  # with its device, if it has one
            rule = mapping.rule_for_unmapped(proposed, is_text=number(text) is None, source=name)
        if rule is None:
            result.ignored += 1
        elif (refusal := _refusal(rule, name, names)) is not None:
            result.rejected.append(refusal)
        else:
            add_observation(result, rule, text.strip(), ts_us)


def _refusal(rule: ValueRule, item: str, names: Names) -> Rejection | None:
    """Why an item cannot feed a series: another device's does. One without a device is of the adapter's only one."""
    is_listed_so = rule.source == item or ":" not in item
    return None if is_listed_so and names.has_rule(rule) else names.refusal(rule, item)


def _rule(item: str, mapping: Mapping) -> ValueRule | None:
    """Rule of an item, its name with or without the device before a colon."""
    name = item.strip()
    return mapping.by_source.get(name) or mapping.by_source.get(name.rpartition(":")[2])
