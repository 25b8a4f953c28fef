"""MTConnectStreams documents: samples, events and conditions of one device or several, as the mapping names them.

Documents with a DTD are refused before anything of it is read, so that there are no entities to expand.
"""

from typing import NamedTuple
from xml.parsers import expat

from ingest.decode.mtconnect import LEVELS, UNAVAILABLE, add_condition, add_observation
from ingest.decode.result import Decoded, Rejection, refused, shown, with_ordinals
from ingest.decode.scalars import number
from ingest.decode.taken import Names
from ingest.decode.times import TimeError, shdr_time
from ingest.mapping import Mapping, ValueRule
from ingest.names import series_name

MOST_DEPTH = 32
ROOT = "MTConnectStreams"
_SECTIONS = ("Samples", "Events", "Condition")
_AGENT = "Agent"  # agents since 1.7 report themselves as a device
_CONDITION_ATTRIBUTES = ("nativeCode", "nativeSeverity", "qualifier")


class _Observation(NamedTuple):
    """An element below Samples, Events or Condition."""

    device: str
    section: str
    tag: str
    attributes: dict[str, str]
    text: str
    has_entries: bool

    @property
    def item(self) -> str:
        """The data item as people call it; its id may change with the agent's configuration."""
        return f"{self.device}:{self.attributes.get('name') or self.attributes.get('dataItemId', '')}"

    @property
    def identifier(self) -> str:
        """The data item within this document: names need not be unique, ids are."""
        return f"{self.device}:{self.attributes.get('dataItemId') or self.attributes.get('name', '')}"


class _RefusedError(Exception):
    """The document is none of ours; the arguments are code and sentence."""


def decode(payload: bytes, mapping: Mapping, names: Names | None = None) -> Decoded:
    """Decode a document as the mapping says."""
    here = _DocumentNames(mapping, names or Names(mapping))
    reader = _Reader()
    try:
        reader.read(payload)
    except _RefusedError as error:
        return refused(*error.args)
    except LookupError:
        return refused("undecodable", "the document names an encoding that nobody knows: use UTF-8")
    except (expat.ExpatError, ValueError) as error:
        return refused("undecodable", f"the payload is not well-formed XML: {error}")
    devices = {each.device for each in reader.found} - {_AGENT}
    result = Decoded()
    for each in reader.found:
        if mapping.device and each.device != mapping.device:
            result.ignored += 1
        else:
            _add(result, each, mapping, here, several=len(devices) > 1 and not mapping.device)
    result.values = with_ordinals(result.values)
    return result


class _DocumentNames:
    """The names of a topic, and of the items of one document."""

    def __init__(self, mapping: Mapping, names: Names) -> None:
        self._names = names
        self._here = Names(mapping)

    def refusal(self, rule: ValueRule, each: _Observation) -> Rejection | None:
        """Why an item cannot have the name of a rule: another device has it, or another item of the document."""
        return self._names.refusal(rule, each.item) or self._here.refusal(rule, each.identifier)


class _Reader:
    """Collects the observations of a document while it is parsed."""

    def __init__(self) -> None:
        self.found: list[_Observation] = []
        self._stack: list[str] = []
        self._device = ""
        self._open: tuple[str, dict[str, str]] | None = None
        self._open_depth = 0
        self._text: list[str] = []
        self._has_entries = False

    def read(self, payload: bytes) -> None:
        """Parse a document.

        Raises:
            _RefusedError: it is none of ours.
            ExpatError: it is not well-formed.
        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(payload, True)  # noqa: FBT003 - positional only

    def _doctype(self, *_: object) -> None:
        raise _RefusedError("wrong_shape", "a document with a DTD is not accepted")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if not self._stack and tag != ROOT:
            raise _RefusedError("wrong_shape", f"{ROOT} was expected, not {shown(tag)}")
        if len(self._stack) >= MOST_DEPTH:
            raise _RefusedError("wrong_shape", f"elements are nested {MOST_DEPTH} deep at most")
        if self._open is not None:
            self._has_entries = True
        elif self._stack and self._stack[-1] in _SECTIONS:
            self._open, self._open_depth = (tag, attributes), len(self._stack)
            self._text.clear()
            self._has_entries = False
        elif tag == "DeviceStream":
            self._device = attributes.get("name") or attributes.get("uuid", "")
        self._stack.append(tag)

    def _end(self, _name: str) -> None:
        self._stack.pop()
        if self._open is not None and len(self._stack) == self._open_depth:
            tag, attributes = self._open
            text = "".join(self._text).strip()
            self.found.append(_Observation(self._device, self._stack[-1], tag, attributes, text, self._has_entries))
            self._open = None

    def _characters(self, text: str) -> None:
        if self._open is not None:
            self._text.append(text)


def _add(result: Decoded, each: _Observation, mapping: Mapping, names: "_DocumentNames", *, several: bool) -> None:
    item = each.attributes.get("name") or each.attributes.get("dataItemId", "")
    try:
        ts_us = shdr_time(each.attributes.get("timestamp", ""))
    except TimeError as error:
        result.rejected.append(Rejection("bad_time", f"{shown(item)}: {error}"))
        return
    if each.section == "Condition":
        _add_condition(result, each, f"{each.device}:{item}" if several else item, ts_us, mapping)
        return
    rule = _rule(each, mapping, several=several)
    if isinstance(rule, Rejection):
        result.rejected.append(rule)
    elif rule is None:
        result.ignored += 1
    elif each.has_entries:
        result.rejected.append(Rejection("wrong_type", f"{shown(rule.name)} must be one value, not a set of entries"))
    elif (refusal := names.refusal(rule, each)) is not None:
        result.rejected.append(refusal)
    else:
        add_observation(result, rule, each.text, ts_us)


def _add_condition(result: Decoded, each: _Observation, item: str, ts_us: int, mapping: Mapping) -> None:
    if each.tag.lower() not in LEVELS:
        result.rejected.append(Rejection("wrong_shape", f"{shown(each.tag)} is no level of a condition"))
        return
    code, severity, qualifier = (each.attributes.get(name, "") for name in _CONDITION_ATTRIBUTES)
    add_condition(result, (item, each.tag, code, severity, qualifier, each.text), ts_us, mapping)


def _rule(each: _Observation, mapping: Mapping, *, several: bool) -> ValueRule | Rejection | None:
    """The rule of a data item, by its name or id, with or without the device before a colon."""
    names = [name for name in (each.attributes.get("name"), each.attributes.get("dataItemId")) if name]
    for name in names:
        rule = mapping.by_source.get(f"{each.device}:{name}")
        if rule is not None:
            return rule
    for name in names:
        rule = mapping.by_source.get(name)
        if rule is not None:
            return rule if not several else _ambiguous(each.device, name)
    if mapping.unmapped == "ignore" or not names:
        return None
    is_text = each.section == "Events" and (number(each.text) is None or each.text.upper() == UNAVAILABLE)
    name = series_name(f"{each.device}.{names[0]}" if several else names[0])
    return mapping.rule_for_unmapped(name, is_text=is_text, source=names[0])


def _ambiguous(device: str, name: str) -> Rejection:
    detail = f"the document holds several devices: write `device: {device}` or `from: {device}:{name}`"
    return Rejection("identity_mismatch", detail)
